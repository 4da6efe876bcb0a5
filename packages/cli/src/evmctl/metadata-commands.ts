import { evmHmac, type FileMetadata } from '@assay/core/evm';
import { FormatError } from '@assay/core/errors';
import { toHex } from '@assay/core/bytes';
import {
  encodeEvmLabel,
  LABEL_TYPES,
  parseEvmLabel,
  parseImaLabel,
  type Parsed,
  type SignatureLabel,
  type SignatureV1Label,
} from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { listXattrs } from '@assay/linux/xattr';
import { labelContent } from './label-commands.ts';
import { write } from './labels.ts';
import { boundForm, countedXattrs, generationOf, metadataDigest, ownMetadata, sayXattr } from './metadata.ts';
import { PublicKeys } from './public-keys.ts';
import { Failure, pathOf, shown, type Run } from './run.ts';
import { verifySigned } from './verify-digest.ts';

const KEY_SIZE = 128;

/** `evmctl verify` */
export async function verifyMetadata(run: Run, path: string): Promise<void> {
  const keys = run.settings.version1 ? undefined : new PublicKeys(run);
  const raw = run.xattr(pathOf(path), run.evmXattr);
  if (raw === undefined) throw new Failure(`getxattr failed: ${path}`);
  const label = signatureIn(run, raw, path);
  const form = raw[0] === LABEL_TYPES.portable ? 'portable' : run.settings.form;
  const digest = await metadataDigest(run, pathOf(path), label.algorithm, form);
  await verifySigned(run, keys, { label, digest, name: path });
  run.say(`${path}: verification is OK`);
}

function signatureIn(run: Run, raw: Uint8Array, path: string): Parsed<SignatureLabel> | Parsed<SignatureV1Label> {
  const [type, version] = raw;
  if (type !== LABEL_TYPES.signature && type !== LABEL_TYPES.portable) {
    throw new Failure(`${run.evmXattr} has no signature`);
  }
  if (type === LABEL_TYPES.portable && version !== 2 && version !== 3) throw new Failure('Portable sig: invalid type');
  try {
    const label = version === 1 ? parseImaLabel(raw) : parseEvmLabel(raw);
    if (label.kind === 'signature' || label.kind === 'signature-v1') return label;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw new Failure(`unknown hash algo: ${path}`);
}

/** `evmctl hmac`: what a kernel with this key would write. It asks the file itself, whatever the options say of it. */
export async function hmac(run: Run, word: string): Promise<void> {
  const path = pathOf(word);
  await labelContent(run, path);
  const key = hmacKey(run);
  const metadata = readMetadata(run, path);
  const value = evmHmac(nodeHasher, key, metadata, boundForm(run, path, metadata));
  run.say(`hmac: ${toHex(value)}`);
  const label = encodeEvmLabel({ kind: 'hmac', hmac: value });
  if (!run.settings.dryRun) write(run, { path, name: run.evmXattr, value: label, what: 'EVM hmac' });
}

function hmacKey(run: Run): Uint8Array {
  const { hmacKey: path } = run.settings;
  const key = run.readFile(path);
  if (key === undefined) throw new Failure(`Failed to read a key: ${path}`);
  if (key.length > KEY_SIZE) throw new Failure(`key is too long: ${key.length}`);
  return key;
}

function readMetadata(run: Run, path: Uint8Array): FileMetadata {
  const stats = run.stat(path);
  if (stats === undefined) throw new Failure(`Failed to stat: ${shown(path)}`);
  const generation = stats.isFile() || stats.isDirectory() ? generationOf(run, path) : 0;
  run.say(`generation: ${generation}`);
  const names = run.attempt(() => listXattrs(path)) ?? [];
  if (names.length === 0) throw new Failure(`llistxattr() failed: ${shown(path)}`);
  const xattrs = new Map<string, Uint8Array>();
  for (const name of countedXattrs(run)) {
    const value = run.xattr(path, name);
    if (value !== undefined) xattrs.set(name, value);
    sayXattr(run, name, value);
  }
  return ownMetadata(stats, generation, xattrs);
}
