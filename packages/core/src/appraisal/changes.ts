import { equalBytes } from '../bytes/index.ts';
import type { HashName } from '../hash/index.ts';
import { LABEL_TYPES, type LabelPorts } from '../label/index.ts';
import { hasVersion, type KernelProfile } from '../policy/index.ts';
import { isKeyLoaded, verifyMetadata, type EvmFile, type EvmState } from './evm-status.ts';
import { labelAlgorithm } from './label-algorithm.ts';
import type { IntegrityRecord } from './record.ts';
import type { IntegrityStatus } from './status.ts';

/** A change of what IMA and EVM protect. `value` null: the attribute is removed. */
export type Change =
  | { readonly kind: 'xattr'; readonly name: string; readonly value: Uint8Array | null }
  /** chmod(2), chown(2); `changes`: something of mode, owner and group becomes another. */
  | { readonly kind: 'attributes'; readonly changes: boolean }
  /** A POSIX access list; `changes`: it is removed, or changes the mode. */
  | { readonly kind: 'acl'; readonly changes: boolean };

export interface ChangeDecision {
  readonly allowed: boolean;
  readonly error?: 'EPERM' | 'EACCES' | 'EINVAL';
  readonly records: readonly IntegrityRecord[];
}

const ALLOWED: ChangeDecision = { allowed: true, records: [] };

function denied(error: NonNullable<ChangeDecision['error']>, ...records: IntegrityRecord[]): ChangeDecision {
  return { allowed: false, error, records };
}

export interface LabelWriter {
  /** CAP_SYS_ADMIN in the initial user namespace */
  readonly isAdmin: boolean;
}

export interface LabelKernel extends Pick<KernelProfile, 'version' | 'algorithms'> {
  readonly imaHash: HashName;
  /** Kernel's names of the algorithms of the first SETXATTR_CHECK rule; see `labelAlgorithms`. */
  readonly allowedAlgorithms?: readonly string[];
}

/**
 * Whether the kernel lets security.ima be set or removed (ima_appraise.c, ima_inode_setxattr, ima_protect_xattr,
 * validate_hash_algo). The mode of appraisal does not matter. EVM is asked next: {@link decideEvmChange}.
 */
export function decideLabelChange(value: Uint8Array | null, writer: LabelWriter, kernel: LabelKernel): ChangeDecision {
  if (!writer.isAdmin) return denied('EPERM');
  if (value === null) return ALLOWED;
  const last = hasVersion(kernel, '5.19') ? LABEL_TYPES.verity : LABEL_TYPES.portable;
  if (value.length === 0 || (value[0] ?? 0) > last) return denied('EINVAL');
  if (!hasVersion(kernel, '5.15')) return ALLOWED;
  const algorithm = labelAlgorithm(value, kernel.imaHash, kernel);
  const { allowedAlgorithms } = kernel;
  if (allowedAlgorithms !== undefined)
    return allowedAlgorithms.includes(algorithm) ? ALLOWED : denied('EACCES', setData('denied-hash-algorithm'));
  const isAvailable = algorithm === kernel.imaHash || kernel.algorithms.includes(algorithm);
  return isAvailable ? ALLOWED : denied('EACCES', setData('unavailable-hash-algorithm'));
}

function setData(cause: string): IntegrityRecord {
  return { type: 'INTEGRITY_DATA', op: 'set_data', cause, success: false, name: 'inner-path' };
}

/** A file that EVM is asked about before it changes. */
export interface ChangingFile extends EvmFile {
  /** Others than regular files count as good. */
  readonly isRegular: boolean;
  /** Created and still open for writing. */
  readonly isNew: boolean;
  /** tmpfs and sysfs may have attributes without security.evm. */
  readonly isPseudo?: boolean;
}

/**
 * Whether EVM lets metadata change that it protects (evm_main.c, evm_inode_setxattr, evm_protect_xattr, evm_inode_setattr,
 * evm_inode_set_acl).
 *
 * @throws as `evmStatus`
 */
export function decideEvmChange(
  change: Change,
  writer: LabelWriter,
  file: ChangingFile,
  state: EvmState,
  ports: LabelPorts,
): ChangeDecision {
  if (state.allowMetadataWrites === true) return ALLOWED;
  const early = beforeStatus(change, writer, file, state);
  if (early !== undefined) return early;
  const status = currentStatus(file, state, ports);
  if (status === 'pass') return ALLOWED;
  const isXattr = change.kind === 'xattr';
  if (status === 'no_xattrs' && (!isXattr || isNewHere(file, state))) return ALLOWED;
  const records = [
    ...(status === 'no_xattrs' ? [metadataRecord('update_metadata', status)] : []),
    metadataRecord('appraise_metadata', status),
  ];
  return hasVersion(state, '5.14') ? byStatus(status, change, file, state, records) : denied('EPERM', ...records);
}

/** What is decided without a look at the metadata. */
function beforeStatus(
  change: Change,
  writer: LabelWriter,
  file: ChangingFile,
  state: EvmState,
): ChangeDecision | undefined {
  const isUnsupported = file.isHmacUnsupported === true && hasVersion(state, '6.8');
  if (change.kind === 'acl') return undefined;
  if (change.kind === 'attributes') return isUnsupported ? ALLOWED : undefined;
  if (change.name !== 'security.evm')
    return isUnsupported || !state.enabled.includes(change.name) ? ALLOWED : undefined;
  const { value } = change;
  if (value !== null && value.length === 0) return denied('EINVAL');
  const isSignature = value === null || value[0] === LABEL_TYPES.signature || value[0] === LABEL_TYPES.portable;
  return !isSignature || !writer.isAdmin || isUnsupported ? denied('EPERM') : undefined;
}

/** evm_verify_current_integrity */
function currentStatus(file: ChangingFile, state: EvmState, ports: LabelPorts): IntegrityStatus {
  if (!isKeyLoaded(state) || !file.isRegular || state.fix === true) return 'pass';
  return verifyMetadata(file, state, ports).status;
}

function isNewHere(file: ChangingFile, state: EvmState): boolean {
  return file.isNew || file.isPseudo === true || (isHmacDisabled(state) && hasVersion(state, '5.14'));
}

/** No HMAC can be computed, now or later, so that a change cannot make bad metadata good. */
function isHmacDisabled({ hmacKey, setupComplete }: EvmState): boolean {
  return hmacKey === null && setupComplete === true;
}

/** Since 5.14: what a status other than good, or of no attributes, still allows. */
function byStatus(
  status: IntegrityStatus,
  change: Change,
  file: ChangingFile,
  state: EvmState,
  records: readonly IntegrityRecord[],
): ChangeDecision {
  if (isHmacDisabled(state) && (status === 'no_label' || status === 'unknown')) return ALLOWED;
  // A copy gets its attributes one by one, and the portable signature may come first.
  if (status === 'fail_immutable') return ALLOWED;
  if (status !== 'pass_immutable') return denied('EPERM', ...records);
  if (!changesSomething(change, file)) return ALLOWED;
  return change.kind === 'attributes' ? denied('EPERM', ...records) : denied('EPERM');
}

function changesSomething(change: Change, { evm, metadata }: ChangingFile): boolean {
  if (change.kind !== 'xattr') return change.changes;
  const stored = change.name === 'security.evm' ? evm : metadata.xattrs.get(change.name);
  if (stored === undefined || stored === null || typeof stored === 'string' || change.value === null) return true;
  return !equalBytes(stored, change.value);
}

function metadataRecord(op: 'update_metadata' | 'appraise_metadata', status: IntegrityStatus): IntegrityRecord {
  return { type: 'INTEGRITY_METADATA', op, cause: status, success: false, name: 'component' };
}
