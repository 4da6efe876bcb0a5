import type { Stats } from 'node:fs';
import { toHex } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import {
  digestLabel,
  encodeImaLabel,
  LABEL_TYPES,
  parseImaLabel,
  signLabel,
  verifyDigestLabel,
  verifySignatureLabel,
  verifySignatureV1Label,
  type ComputedDigest,
  type LabelKey,
  type Parsed,
  type ParsedImaLabel,
  type SignatureLabel,
  type SignatureV1Label,
} from '@assay/core/label';
import { keyIdOfVersion1, type RsaPublicKey } from '@assay/core/keys';
import { nodeCrypto } from '@assay/core/node';
import type { VerityParameters } from '@assay/core/verity';
import { measureVerity } from '../verity/index.ts';
import { getXattr } from '../xattr/index.ts';
import { contentDigest, verityDigest } from './content.ts';
import type { LabelJob, LabelResult, SigningKey } from './job.ts';
import { checkModsig, readModsig } from './modsig.ts';
import { writing, type Plan } from './steady.ts';
import type { OpenedSigner } from './signing.ts';

type JobOf<Kind extends LabelJob['kind']> = Extract<LabelJob, { kind: Kind }>;

const IMA = 'security.ima';

/** The digest of the content as label; signatures stay, unless they are to be replaced. */
export async function hashed(fd: number, { size }: Stats, job: JobOf<'hash'>): Promise<Plan> {
  const old = getXattr(fd, IMA);
  const type = job.replaceSignatures ? undefined : old?.[0];
  if (old !== undefined && (type === LABEL_TYPES.signature || type === LABEL_TYPES.verity)) {
    return { result: { state: 'kept', label: old, message: 'it has a signature' } };
  }
  const digest = await contentDigest(fd, job.algorithm, size);
  const value = encodeImaLabel(digestLabel(digest.algorithm, digest.value));
  return writing({ name: IMA, value, old, dryRun: job.dryRun }, digest);
}

/** A signature over the content or the fs-verity digest. One by the same key that verifies is left. */
export async function signed(fd: number, { size }: Stats, job: JobOf<'sign'>, signer: OpenedSigner): Promise<Plan> {
  const { key, verity, dryRun } = job;
  const digest =
    verity === undefined ? await contentDigest(fd, key.algorithm, size) : ownVerityDigest(fd, verity).digest;
  const type = verity === undefined ? LABEL_TYPES.signature : LABEL_TYPES.verity;
  const form = { type, version: verity === undefined ? key.version : 3 } as const;
  const old = getXattr(fd, IMA);
  if (old !== undefined && isRightAlready(old, form, digest, key)) {
    return { result: { state: 'unchanged', label: old, digest } };
  }
  if (dryRun) return { result: { state: 'would-change', digest } };
  const label = encodeImaLabel(await signLabel(digest, form, signer, nodeCrypto.hasher));
  return { result: { state: 'changed', label, digest }, write: { name: IMA, value: label } };
}

function isRightAlready(
  raw: Uint8Array,
  form: Pick<SignatureLabel, 'type' | 'version'>,
  digest: ComputedDigest,
  { publicKey, keyId }: SigningKey,
): boolean {
  if (publicKey === undefined) return false;
  try {
    const label = parseImaLabel(raw);
    if (label.kind !== 'signature' || label.type !== form.type || label.version !== form.version) return false;
    verifySignatureLabel(label, digest, { keyId, publicKey }, nodeCrypto);
    return true;
  } catch (error) {
    if (error instanceof FormatError || error instanceof VerificationError) return false;
    throw error;
  }
}

/** What the kernel enforces; before it does, what it would with these parameters. */
function ownVerityDigest(fd: number, parameters: VerityParameters): { digest: ComputedDigest; enabled: boolean } {
  const measured = measureVerity(fd);
  if (measured === undefined) return { digest: verityDigest(fd, parameters), enabled: false };
  return { digest: { algorithm: measured.algorithm, value: measured.digest }, enabled: true };
}

/** The label of a file against the file. */
export async function verified(fd: number, { size }: Stats, job: JobOf<'verify'>): Promise<Plan> {
  const raw = getXattr(fd, IMA);
  if (raw === undefined) return modsigVerified(fd, size, job);
  const label = parseImaLabel(raw);
  if (label.kind === 'signature' && label.type === LABEL_TYPES.verity) return verityVerified(fd, label, job);
  const digest = await contentDigest(fd, label.algorithm, size);
  checkLabel(label, digest, job.keys);
  return { result: { state: 'right', label: raw, digest } };
}

/** Without a label the kernel takes an appended signature, where a rule allows one. */
function modsigVerified(fd: number, size: number, { keys }: JobOf<'verify'>): Plan {
  const modsig = readModsig(fd, size);
  if (modsig === undefined) return wrong('LABEL-MISSING', 'it has no label, and no signature is appended');
  const certificates = keys.flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
  return { result: { state: 'right', digest: checkModsig(fd, modsig, certificates) } };
}

function verityVerified(fd: number, label: Parsed<SignatureLabel>, { keys, verity }: JobOf<'verify'>): Plan {
  if (label.algorithm !== 'sha256' && label.algorithm !== 'sha512') {
    return wrong('IMA-SIG-INVALID', `fs-verity has no ${label.algorithm}`);
  }
  const { digest, enabled } = ownVerityDigest(fd, { ...verity, algorithm: label.algorithm });
  verifySignatureLabel(label, digest, keyFor(label, keys), nodeCrypto);
  if (enabled) return { result: { state: 'right', label: label.raw, digest } };
  return wrong('VERITY-DISABLED', 'the signature is right, but fs-verity is not enabled on the file');
}

function checkLabel(label: ParsedImaLabel, digest: ComputedDigest, keys: readonly LabelKey[]): void {
  switch (label.kind) {
    case 'digest':
      verifyDigestLabel(label, digest);
      return;
    case 'signature':
      verifySignatureLabel(label, digest, keyFor(label, keys), nodeCrypto);
      return;
    case 'signature-v1':
      verifySignatureV1Label(label, digest, keyForVersion1(label, keys), nodeCrypto);
      return;
  }
}

/** The key that a signature names. @throws VerificationError IMA-SIG-KEY-UNKNOWN */
export function keyFor({ keyId }: SignatureLabel, keys: readonly LabelKey[]): LabelKey {
  const key = keys.find((each) => each.keyId === keyId);
  if (key !== undefined) return key;
  throw unknownKey(keyId.toString(16).padStart(8, '0'), keys);
}

function keyForVersion1({ keyId }: SignatureV1Label, keys: readonly LabelKey[]): RsaPublicKey {
  for (const { publicKey } of keys) {
    if (publicKey.kind !== 'rsa') continue;
    if (toHex(keyIdOfVersion1(nodeCrypto.hasher, publicKey)) === toHex(keyId)) return publicKey;
  }
  throw unknownKey(toHex(keyId), keys);
}

function unknownKey(id: string, keys: readonly LabelKey[]): VerificationError {
  const given = keys.length === 0 ? 'no certificate is given' : 'none of the certificates given has it';
  return new VerificationError('IMA-SIG-KEY-UNKNOWN', `signed by key ${id}, and ${given}`);
}

function wrong(code: string, message: string): Plan {
  return { result: { state: 'wrong', code, message } satisfies LabelResult };
}
