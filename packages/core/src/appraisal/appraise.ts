import { ByteWriter, equalBytes } from '../bytes/index.ts';
import { hashAlgorithm } from '../hash/index.ts';
import { LABEL_TYPES, type ComputedDigest } from '../label/index.ts';
import { hasVersion, type Demands } from '../policy/index.ts';
import type { IntegrityRecord } from './record.ts';
import type { AppraisingKernel, IntegrityStatus, KernelWrite, SignatureVerdict } from './status.ts';

/** A file whose content is to be compared with its label. */
export interface AppraisedFile {
  /** Whole value of security.ima; null: there is none (or an empty one); `unreadable`: reading it failed. */
  readonly label: Uint8Array | null | 'unreadable';
  /** False for file systems without extended attributes. Default: true. */
  readonly hasXattrs?: boolean;
  /** Asked only where a label has to be trusted: what `evmStatus` says. */
  readonly evm: IntegrityStatus;
  /** By what key the label is signed; asked for labels of type 3 and 6 only. */
  readonly signature: (label: Uint8Array, digest: ComputedDigest) => SignatureVerdict;
  /** What the keyring says of an appended signature; left out: the file has none, or the hook reads none. */
  readonly modsig?: SignatureVerdict;
  /** Size 0. */
  readonly empty: boolean;
  /** Created by this open (FMODE_CREATED), or marked as new before. */
  readonly isNew: boolean;
  /** Counts as signed (IMA_DIGSIG), since a signature was found or set before. */
  readonly isSigned?: boolean;
  /** `repair` of what `evmStatus` says, where EVM runs with `evm=fix`. */
  readonly evmRepair?: KernelWrite;
  /** On a read-only mount or with the immutable attribute, so that the kernel cannot write the label. */
  readonly isImmutable?: boolean;
  /** FUSE and its like, whose content can change behind the kernel's back (SB_I_IMA_UNVERIFIABLE_SIGNATURE). */
  readonly unverifiable?: 'trusted-mounter' | 'untrusted-mounter';
}

/** What comparing content and label came to. */
export interface Appraisal {
  readonly status: IntegrityStatus;
  /** Why it is not `pass`, or was not before the kernel mended it. Without a record the cause is ours. */
  readonly cause?: string;
  readonly record?: IntegrityRecord;
  /** What the kernel writes in fix mode. */
  readonly writes: readonly KernelWrite[];
  /** The file counts as signed from now on (IMA_DIGSIG); undefined: as before. */
  readonly isSigned?: boolean;
}

/** A status on its way to an audit record, which shows as `res` whether `rc` was 0 at that time. */
interface Finding {
  readonly status: IntegrityStatus;
  readonly cause: string;
  readonly isZero: boolean;
  readonly isSigned?: boolean;
  readonly verdict?: SignatureVerdict;
}

/** What is compared, by what rules, in which kernel. */
interface Question {
  readonly file: AppraisedFile;
  readonly digest: ComputedDigest;
  readonly demands: Demands;
  readonly kernel: AppraisingKernel;
  /** A rule allows an appended signature, and the file has one. */
  readonly triesModsig: boolean;
}

/** Compares a digest with a label as the rules demand it (ima_appraise.c, ima_appraise_measurement). Never throws by itself. */
export function appraise(
  file: AppraisedFile,
  digest: ComputedDigest,
  demands: Demands,
  kernel: AppraisingKernel,
): Appraisal {
  const triesModsig = demands.modsig && file.modsig !== undefined;
  if (file.hasXattrs === false && !triesModsig) return { status: 'unknown', cause: 'no-xattr-support', writes: [] };
  const question = { file, digest, demands, kernel, triesModsig };
  return settle(withoutLabel(question) ?? refusedByEvm(question) ?? verified(question), question);
}

function withoutLabel({ file, demands, triesModsig }: Question): Finding | undefined {
  const { label } = file;
  if (triesModsig) return undefined;
  if (typeof label === 'string') return { status: 'unknown', cause: 'unknown', isZero: false };
  if (label !== null && label.length > 0) return undefined;
  const passes = file.isNew && (!demands.signature || file.empty);
  const cause = demands.signature ? signatureDemanded(demands) : 'missing-hash';
  return { status: passes ? 'pass' : 'no_label', cause, isZero: label !== null };
}

function refusedByEvm({ file: { evm }, triesModsig }: Question): Finding | undefined {
  const cause = REFUSED[evm];
  if (cause === undefined || (evm === 'no_xattrs' && triesModsig)) return undefined;
  return { status: evm, cause, isZero: false, ...(evm === 'fail_immutable' ? { isSigned: true } : {}) };
}

/** The label first; the appended signature where the label is none, a digest, or by a key that is not known. */
function verified(question: Question): Finding {
  const { file, triesModsig } = question;
  const label = typeof file.label === 'string' ? null : file.label;
  const byLabel = label === null ? undefined : verifyLabel(label, question);
  const isModsigsTurn = label?.[0] === LABEL_TYPES.digest || byLabel?.verdict === 'unknown-key';
  if (byLabel !== undefined && !(triesModsig && isModsigsTurn)) return byLabel;
  const isGood = file.modsig === 'valid';
  return { ...byLabel, status: isGood ? 'pass' : 'fail', cause: 'invalid-signature', isZero: isGood };
}

const REFUSED: Partial<Record<IntegrityStatus, string>> = {
  no_xattrs: 'missing-HMAC',
  no_label: 'missing-HMAC',
  fail_immutable: 'invalid-fail-immutable',
  fail: 'invalid-HMAC',
};

function signatureDemanded({ verity }: Demands): string {
  return verity ? 'verity-signature-required' : 'IMA-signature-required';
}

/** xattr_verify */
function verifyLabel(label: Uint8Array, question: Question): Finding {
  const type = label[0] ?? 0;
  switch (type) {
    case LABEL_TYPES.digest:
      return verifyDigest(label.subarray(2), question);
    case LABEL_TYPES.legacyDigest:
      return verifyDigest(label.subarray(1), question);
    case LABEL_TYPES.signature:
      return verifySignature(label, question);
    default:
      return type === LABEL_TYPES.verity && hasVersion(question.kernel, '5.19')
        ? verifyVerity(label, question)
        : { status: 'unknown', cause: 'unknown-ima-data', isZero: false };
  }
}

function failed(cause: string, isSigned?: boolean): Finding {
  return { status: 'fail', cause, isZero: false, ...(isSigned === undefined ? {} : { isSigned }) };
}

/** Bytes after the digest are ignored. */
function verifyDigest(stored: Uint8Array, { file, digest, demands, kernel }: Question): Finding {
  // Since 5.14 a portable signature, which is over the label too, will do where a signature is demanded.
  const isCovered = file.evm === 'pass_immutable' && hasVersion(kernel, '5.14');
  if (demands.signature && !isCovered) return failed(signatureDemanded(demands));
  const isEqual = equalBytes(stored.subarray(0, digest.value.length), digest.value);
  if (!isEqual) return failed('invalid-hash', isCovered);
  return { status: 'pass', cause: '', isZero: true, isSigned: isCovered };
}

function verifySignature(label: Uint8Array, { file, digest, demands, kernel }: Question): Finding {
  if (demands.signature && demands.verity) return failed('verity-signature-required', true);
  const version = label[1] ?? 0;
  if (version > newestVersion(kernel)) return failed('invalid-signature-version', true);
  if (demands.sigv3 && hasVersion(kernel, '7.1') && version !== 3) return failed('IMA-sigv3-required', true);
  const isKnown = version < 3 || hasVersion(kernel, '7.1');
  const verdict = isKnown ? file.signature(label, digest) : 'unsupported';
  return signed(verdict, 'invalid-signature');
}

/** Before 5.19 any version came to the check itself. */
function newestVersion(kernel: AppraisingKernel): number {
  if (!hasVersion(kernel, '5.19')) return 255;
  return hasVersion(kernel, '7.1') ? 3 : 2;
}

function verifyVerity(label: Uint8Array, { file, digest, demands }: Question): Finding {
  if (demands.signature && !demands.verity) return failed('IMA-signature-required', true);
  if (label[1] !== 3) return failed('invalid-signature-version', true);
  const verdict = file.signature(label, digest);
  return signed(verdict === 'unsupported' ? 'invalid' : verdict, 'invalid-verity-signature');
}

function signed(verdict: SignatureVerdict, cause: string): Finding {
  if (verdict === 'valid') return { status: 'pass', cause: '', isZero: true, isSigned: true, verdict };
  if (verdict === 'unsupported') return { status: 'unknown', cause: 'unknown', isZero: false, isSigned: true, verdict };
  return { ...failed(cause, true), verdict };
}

/** What follows the comparison: file systems that cannot be trusted, fix mode, new files, the record. */
function settle(finding: Finding, question: Question): Appraisal {
  const { file, demands } = question;
  const isSigned = finding.isSigned === undefined ? {} : { isSigned: finding.isSigned };
  const isUnverifiable =
    file.unverifiable === 'untrusted-mounter' || (file.unverifiable !== undefined && demands.failUnverifiable);
  if (isUnverifiable) {
    const cause = 'unverifiable-signature';
    return { status: 'fail', cause, record: recordOf({ ...finding, cause }), writes: [], ...isSigned };
  }
  if (finding.status === 'pass') return { status: 'pass', writes: [], ...isSigned };
  const writes = fixes(finding, question);
  const passes = writes.length > 0 || (file.empty && file.isNew && isSignedInstall(finding, question));
  const status = passes ? 'pass' : finding.status;
  return { status, cause: finding.cause, record: recordOf(finding), writes, ...isSigned };
}

function recordOf({ cause, isZero }: Finding): IntegrityRecord {
  return { type: 'INTEGRITY_DATA', op: 'appraise_data', cause, success: isZero, name: 'path' };
}

/** Installers give a new file its signature before its content. Before 5.14 only one in security.ima counted. */
function isSignedInstall({ isSigned }: Finding, { file, kernel }: Question): boolean {
  return hasVersion(kernel, '5.14') ? (isSigned ?? file.isSigned ?? false) : hasFileSignature(file);
}

/** Fix mode replaces everything but signatures of type 3, those of fs-verity too. */
function fixes({ status }: Finding, { file, digest, kernel, triesModsig }: Question): KernelWrite[] {
  if (kernel.mode === 'fix' && !triesModsig && !hasFileSignature(file))
    return file.isImmutable === true ? [] : [{ name: 'security.ima', value: kernelLabel(digest) }];
  const repairs = status === 'no_label' && file.evmRepair !== undefined && hasVersion(kernel, '6.19');
  return repairs ? [file.evmRepair] : [];
}

function hasFileSignature({ label }: AppraisedFile): boolean {
  return label !== null && typeof label !== 'string' && label[0] === LABEL_TYPES.signature;
}

/** ima_fix_xattr. A SHA-1 with four zeros at its end gets type 1 too, which the kernel then reads as MD5. */
export function kernelLabel({ algorithm, value }: ComputedDigest): Uint8Array {
  const { kernelId } = hashAlgorithm(algorithm);
  const isLegacy = kernelId <= hashAlgorithm('sha1').kernelId;
  const writer = new ByteWriter();
  if (isLegacy) writer.u8(LABEL_TYPES.legacyDigest);
  else writer.u8(LABEL_TYPES.digest).u8(kernelId);
  return writer.bytes(value).finish();
}
