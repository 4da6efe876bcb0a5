import { nodeHasher } from '@assay/core/node';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { BlockHash, type BlockHashLayout } from './block-hash.ts';
import { LaneHash, LaneMessages, lanesPay } from './lanes.ts';
import { contextsAreReadable } from './openssl.ts';

const LAYOUTS: ReadonlyMap<HashName, BlockHashLayout> = new Map<HashName, BlockHashLayout>([
  ['sha1', { size: 20, block: 64, stateWords: 5, init: 'SHA1_Init', update: 'SHA1_Update', lanes: 'sha1_multi_block' }],
  [
    'sha256',
    { size: 32, block: 64, stateWords: 8, init: 'SHA256_Init', update: 'SHA256_Update', lanes: 'sha256_multi_block' },
  ],
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

const lanes = new Map<HashName, LaneHash | undefined>();

/** The same for many short messages; undefined where there is none or it does not pay. */
export function laneHash(algorithm: HashName): LaneHash | undefined {
  if (!lanes.has(algorithm)) {
    const initial = lanesPay() ? blockHash(algorithm)?.initial : undefined;
    const rounds = LAYOUTS.get(algorithm)?.lanes;
    lanes.set(algorithm, initial && rounds ? openLaneHash(algorithm, rounds, initial) : undefined);
  }
  return lanes.get(algorithm);
}

/** @returns undefined when the function is missing, or when its digests are not those of node:crypto */
export function openLaneHash(algorithm: HashName, rounds: string, initial: Uint32Array): LaneHash | undefined {
  try {
    const hash = new LaneHash(rounds, initial);
    return lanesAgreeWithNode(algorithm, hash) ? hash : undefined;
  } catch {
    return undefined;
  }
}

/** Eight messages of different lengths, then three. */
function lanesAgreeWithNode(algorithm: HashName, hash: LaneHash): boolean {
  const messages = new LaneMessages();
  const { size } = hashAlgorithm(algorithm);
  return [TRIAL_LENGTHS, [1, 700, 63]].every((lengths) => {
    const message = Uint8Array.from({ length: Math.max(...lengths) }, (_, index) => index * 7);
    const out = new Uint8Array(lengths.length * size);
    messages.begin();
    for (const [index, length] of lengths.entries())
      messages.add(new DataView(message.buffer), 0, length, index * size);
    hash.digest(messages, new DataView(out.buffer), 0);
    return lengths.every((length, index) => {
      const digest = nodeHasher.digest(algorithm, message.subarray(0, length));
      return digest.every((byte, at) => out[index * size + at] === byte);
    });
  });
}

/** No header promises the layout of a context, so each hash shows on trial that it is what this code expects. */
function agreesWithNode(algorithm: HashName, hash: BlockHash): boolean {
  if (hash.size !== hashAlgorithm(algorithm).size) return false;
  return TRIAL_LENGTHS.every((length) => {
    const message = Uint8Array.from({ length }, (_, index) => index);
    return nodeHasher.digest(algorithm, message).every((byte, index) => hash.of([message])[index] === byte);
  });
}
