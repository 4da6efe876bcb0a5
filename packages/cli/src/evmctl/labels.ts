import { writeFileSync } from 'node:fs';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { encodeImaLabel, LABEL_TYPES, type SignatureLabel, type SignatureV1Label } from '@assay/core/label';
import { setXattr } from '@assay/linux/xattr';
import { chosenHash, fileDigest, hashNamed } from './hashes.ts';
import { metadataDigest } from './metadata.ts';
import { Failure, hexLine, shown, type Run } from './run.ts';
import { signDigest } from './sign-digest.ts';

/** Stores the digest of a file in security.ima. @throws Failure */
export async function hashFileLabel(run: Run, path: Uint8Array): Promise<void> {
  const name = run.settings.hashAlgorithm;
  const algorithm = hashNamed(name);
  if (algorithm === undefined) throw new Failure(`Unknown hash algo: ${name}`);
  const { value } = await fileDigest(run, path, algorithm);
  const label = digestBytes(algorithm, value);
  run.begin(`hash(${name}): `);
  run.out(hexLine(label));
  store(run, { path, name: run.imaXattr, value: label, what: 'IMA hash' });
}

/** What evmctl writes: type 1 up to SHA-1, also for digests that the kernel would read as those of MD5. */
function digestBytes(algorithm: HashName, digest: Uint8Array): Uint8Array {
  const { kernelId } = hashAlgorithm(algorithm);
  const head = kernelId > hashAlgorithm('sha1').kernelId ? [LABEL_TYPES.digest, kernelId] : [LABEL_TYPES.legacyDigest];
  return Uint8Array.from([...head, ...digest]);
}

/** Stores a signature over the content of a file in security.ima. @throws Failure */
export async function signFileLabel(run: Run, path: Uint8Array): Promise<void> {
  const digest = await fileDigest(run, path, chosenHash(run));
  const label = encodeImaLabel(await signDigest(run, digest, { type: LABEL_TYPES.signature, version: 2 }));
  run.out(hexLine(label));
  if (run.settings.signatureFile) writeBeside(run, path, label);
  store(run, { path, name: run.imaXattr, value: label, what: 'IMA sig' });
}

/** A failure is said and no more, as with evmctl. */
function writeBeside(run: Run, path: Uint8Array, label: Uint8Array): void {
  const beside = Buffer.concat([path, Buffer.from('.sig')]);
  writeNamed(run, beside, label);
}

export function writeNamed(run: Run, path: Buffer, content: Uint8Array): void {
  run.say(`Writing to ${shown(path)}`);
  if (!run.succeeds(() => writeFileSync(path, content))) run.say(`Failed to open: ${shown(path)}`);
}

/** Stores a signature over the metadata of a file in security.evm. @throws Failure */
export async function signMetadataLabel(run: Run, path: Uint8Array): Promise<void> {
  const { form } = run.settings;
  const digest = await metadataDigest(run, path, chosenHash(run), form);
  const signed = await signDigest(run, digest, { type: LABEL_TYPES.signature, version: 2 });
  const label = metadataBytes(signed, form);
  run.out(hexLine(label));
  store(run, { path, name: run.evmXattr, value: label, what: 'EVM' });
}

/** evmctl marks the form in the first two bytes; what is signed does not depend on them. */
function metadataBytes(label: SignatureLabel | SignatureV1Label, form: 'bound' | 'portable' | 'immutable'): Uint8Array {
  const bytes = encodeImaLabel(label);
  if (form === 'portable') bytes[0] = LABEL_TYPES.portable;
  if (form === 'immutable') bytes[1] = 3;
  return bytes;
}

interface Stored {
  readonly path: Uint8Array;
  readonly name: string;
  readonly value: Uint8Array;
  /** For the message. */
  readonly what: string;
}

function store(run: Run, stored: Stored): void {
  if (!run.settings.dryRun) write(run, stored);
}

/** @throws Failure */
export function write(run: Run, { path, name, value, what }: Stored): void {
  if (run.succeeds(() => setXattr(path, name, value))) return;
  throw new Failure(`Setting ${what} xattr failed: ${shown(path)} (errno: ${run.takeErrno()})`);
}
