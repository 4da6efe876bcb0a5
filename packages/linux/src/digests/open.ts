import { nodeHasher } from '@assay/core/node';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { BlockHash, type BlockHashLayout } from './block-hash.ts';
import { contextsAreReadable } from './openssl.ts';

const LAYOUTS: ReadonlyMap<HashName, BlockHashLayout> = new Map<HashName, BlockHashLayout>([
  ['sha1', { size: 20, block: 64, stateWords: 5, init: 'SHA1_Init', update: 'SHA1_Update' }],
  ['sha256', { size: 32, block: 64, stateWords: 8, init: 'SHA256_Init', update: 'SHA256_Update' }],
  ['sha384', { size: 48, block: 128, stateWords: 16, init: 'SHA384_Init', update: 'SHA384_Update' }],
  ['sha512', { size: 64, block: 128, stateWords: 16, init: 'SHA512_Init', update: 'SHA512_Update' }],
]);

/** Lengths around one block and more of each hash, with one and two blocks of padding. */
const TRIAL_LENGTHS = [0, 55, 56, 64, 111, 112, 128, 300];

const opened = new Map<HashName, BlockHash | undefined>();

/** The fast hash of this thread; undefined where there is none for the algorithm or it does not work in this Node. */
export function blockHash(algorithm: HashName): BlockHash | undefined {
  if (!opened.has(algorithm)) opened.set(algorithm, openBlockHash(algorithm, LAYOUTS.get(algorithm)));
  return opened.get(algorithm);
}

/** @returns undefined when functions are missing, or when the digests are not those of node:crypto */
export function openBlockHash(algorithm: HashName, layout: BlockHashLayout | undefined): BlockHash | undefined {
  if (layout === undefined || !contextsAreReadable()) return undefined;
  try {
    const hash = new BlockHash(layout);
    return agreesWithNode(algorithm, hash) ? hash : undefined;
  } catch {
    return undefined;
  }
}

/** No header promises the layout of a context, so each hash shows on trial that it is what this code expects. */
function agreesWithNode(algorithm: HashName, hash: BlockHash): boolean {
  if (hash.size !== hashAlgorithm(algorithm).size) return false;
  return TRIAL_LENGTHS.every((length) => {
    const message = Uint8Array.from({ length }, (_, index) => index);
    return nodeHasher.digest(algorithm, message).every((byte, index) => hash.of([message])[index] === byte);
  });
}
