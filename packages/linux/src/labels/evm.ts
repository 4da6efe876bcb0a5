import { fstatSync } from 'node:fs';
import { FormatError, SystemError, VerificationError } from '@assay/core/errors';
import {
  hmacLabel,
  signMetadata,
  verifyEvmHmac,
  verifyEvmSignature,
  type FileMetadata,
  type MetadataForm,
} from '@assay/core/evm';
import {
  encodeEvmLabel,
  LABEL_TYPES,
  parseEvmLabel,
  type LabelSigner,
  type Parsed,
  type SignatureLabel,
} from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { fileSystemUuid, inodeGeneration } from '../files/index.ts';
import { getXattr } from '../xattr/index.ts';
import { keyFor } from './ima.ts';
import type { BoundChoice, LabelJob, MetadataChoice, SigningKey } from './job.ts';
import { writing, type Plan } from './steady.ts';

type JobOf<Kind extends LabelJob['kind']> = Extract<LabelJob, { kind: Kind }>;
type Bound = Extract<MetadataForm, { form: 'bound' }>;

const EVM = 'security.evm';

/** What the kernel would write with this key. */
export function hmacWritten(fd: number, { key, form, dryRun }: JobOf<'evm-hmac'>): Plan {
  const chosen = bound(fd, form);
  const value = encodeEvmLabel(hmacLabel(nodeHasher, key, metadataOf(fd, chosen), chosen));
  return writing({ name: EVM, value, old: getXattr(fd, EVM), dryRun });
}

/** A signature over the metadata. One by the same key that verifies is left. */
export async function metadataSigned(
  fd: number,
  { key, form, dryRun }: JobOf<'evm-sign'>,
  signer: LabelSigner,
): Promise<Plan> {
  const chosen = resolved(fd, form);
  const metadata = metadataOf(fd, chosen);
  if (metadata.xattrs.size === 0) throw new FormatError('EVM-METADATA', 'the file has no attribute that EVM protects');
  const old = getXattr(fd, EVM);
  if (old !== undefined && isRightAlready(old, metadata, chosen, key)) {
    return { result: { state: 'unchanged', label: old } };
  }
  if (dryRun) return { result: { state: 'would-change' } };
  const label = encodeEvmLabel(await signMetadata(metadata, chosen, key, signer, nodeHasher));
  return { result: { state: 'changed', label }, write: { name: EVM, value: label } };
}

function isRightAlready(raw: Uint8Array, metadata: FileMetadata, form: MetadataForm, key: SigningKey): boolean {
  const { publicKey, keyId, version, algorithm } = key;
  if (publicKey === undefined || form.form === 'immutable') return false;
  try {
    const label = parseEvmLabel(raw);
    if (label.kind !== 'signature' || label.version !== version || label.algorithm !== algorithm) return false;
    verifyEvmSignature(label, metadata, form, { keyId, publicKey }, nodeCrypto);
    return true;
  } catch (error) {
    if (error instanceof FormatError || error instanceof VerificationError) return false;
    throw error;
  }
}

/** security.evm against the metadata. */
export function metadataVerified(fd: number, job: JobOf<'evm-verify'>): Plan {
  const raw = getXattr(fd, EVM);
  if (raw === undefined) {
    return { result: { state: 'wrong', code: 'LABEL-MISSING', message: 'it has no security.evm' } };
  }
  const label = parseEvmLabel(raw);
  if (label.kind === 'signature') checkSignature(fd, label, job);
  else {
    if (job.hmacKey === undefined) {
      throw new VerificationError('IMA-SIG-KEY-UNKNOWN', 'security.evm is an HMAC, and its key is not given');
    }
    const form = bound(fd, job.bound);
    verifyEvmHmac(label, metadataOf(fd, form), form, job.hmacKey, nodeHasher);
  }
  return { result: { state: 'right', label: raw } };
}

function checkSignature(fd: number, label: Parsed<SignatureLabel>, job: JobOf<'evm-verify'>): void {
  const form = label.type === LABEL_TYPES.portable ? job.portable : bound(fd, job.bound);
  verifyEvmSignature(label, metadataOf(fd, form), form, keyFor(label, job.keys), nodeCrypto);
}

function resolved(fd: number, choice: MetadataChoice): MetadataForm {
  return choice.form === 'bound' ? bound(fd, choice) : choice;
}

function bound(fd: number, choice: BoundChoice): Bound {
  if (choice.fsUuid !== 'auto') return { ...choice, fsUuid: choice.fsUuid };
  const fsUuid = fileSystemUuid(fd);
  if (fsUuid !== undefined) return { ...choice, fsUuid };
  throw new SystemError('KERNEL-LACKS', 'neither kernel nor udev tells the UUID of the file system: name it');
}

/** What EVM protects of an open file, as far as the form covers it. */
function metadataOf(fd: number, form: MetadataForm): FileMetadata {
  const xattrs = new Map(
    form.xattrs.flatMap((name) => {
      const value = getXattr(fd, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const { ino: inode, uid, gid, mode } = fstatSync(fd, { bigint: true });
  const generation = form.form === 'bound' ? generationOf(fd) : 0;
  return { inode, generation, uid: Number(uid), gid: Number(gid), mode: Number(mode), xattrs };
}

function generationOf(fd: number): number {
  const generation = inodeGeneration(fd);
  if (generation !== undefined) return generation;
  throw new SystemError('KERNEL-LACKS', 'the file system tells no generation of its inodes: sign portably');
}
