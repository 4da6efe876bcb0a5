import { equalBytes } from '../bytes/index.ts';
import { evmHmac, metadataInput, verifyEvmSignature, type FileMetadata, type MetadataForm } from '../evm/index.ts';
import { encodeEvmLabel, LABEL_TYPES, parseEvmLabel, type LabelKey, type LabelPorts } from '../label/index.ts';
import { hasVersion, type KernelProfile } from '../policy/index.ts';
import { SIGNATURE_HEADER } from './label-algorithm.ts';
import { signatureVerdict } from './signature.ts';
import type { IntegrityStatus, KernelWrite, SignatureVerdict } from './status.ts';

/** A kernel's EVM: what was written to `evm` in securityfs, and what the kernel was built and booted with. */
export interface EvmState extends Pick<KernelProfile, 'version'> {
  /** EVM_INIT_HMAC: the key that is loaded; null: none. */
  readonly hmacKey: Uint8Array | null;
  /** EVM_INIT_X509 */
  readonly x509: boolean;
  /** EVM_SETUP_COMPLETE: no key can be loaded any more. */
  readonly setupComplete?: boolean;
  /** EVM_ALLOW_METADATA_WRITES */
  readonly allowMetadataWrites?: boolean;
  /** EVM_SIGV3_REQUIRED, since 7.1. */
  readonly sigv3Required?: boolean;
  /** `evm=fix` */
  readonly fix?: boolean;
  /** Keys of `.evm` or `_evm`. */
  readonly keys: readonly LabelKey[];
  /** Attributes that EVM protects, in the kernel's order: those that are enabled, and all that are listed. */
  readonly enabled: readonly string[];
  readonly listed: readonly string[];
  readonly wordBits: 32 | 64;
}

export interface EvmFile {
  /** Whole value of security.evm; null: none; `unreadable` and `unsupported` (EOPNOTSUPP): what reading it said. */
  readonly evm: Uint8Array | null | 'unreadable' | 'unsupported';
  readonly metadata: FileMetadata;
  /** 16 bytes; null for kernels without CONFIG_EVM_ATTR_FSUUID. */
  readonly fsUuid: Uint8Array | null;
  /** Overlayfs and others on which EVM keeps no HMAC, since 6.8 (SB_I_EVM_HMAC_UNSUPPORTED). */
  readonly isHmacUnsupported?: boolean;
  /** On a read-only mount or with the immutable attribute. */
  readonly isImmutable?: boolean;
}

export interface EvmResult {
  readonly status: IntegrityStatus;
  /** A signature that is bound to the inode is replaced by an HMAC once it was found good. */
  readonly writes: readonly KernelWrite[];
  /** With `evm=fix`: what IMA may have EVM do to security.evm. Where nothing is protected, it is removed. */
  readonly repair?: KernelWrite;
}

/**
 * What EVM says of a file when IMA asks for security.ima (evm_main.c, evm_verifyxattr and evm_verify_hmac).
 *
 * @throws FormatError EVM-METADATA, EVM-KEY where the metadata or the key are none; SystemError HASH-UNAVAILABLE
 */
export function evmStatus(file: EvmFile, state: EvmState, ports: LabelPorts): EvmResult {
  if (!isKeyLoaded(state) || !state.enabled.includes('security.ima')) return { status: 'unknown', writes: [] };
  const repair = state.fix === true ? repairOf(file, state, ports) : undefined;
  return { ...verifyMetadata(file, state, ports), ...(repair === undefined ? {} : { repair }) };
}

/** evm_fix_hmac, evm_update_evmxattr */
function repairOf(file: EvmFile, state: EvmState, { hasher }: LabelPorts): KernelWrite | undefined {
  const { hmacKey } = state;
  if (hmacKey === null || file.isHmacUnsupported === true) return undefined;
  if (hasEnabled(file, state)) return { name: 'security.evm', value: hmacValue(file, state, hmacKey, hasher) };
  return file.evm === null ? undefined : { name: 'security.evm', value: null };
}

export function isKeyLoaded({ hmacKey, x509 }: EvmState): boolean {
  return hmacKey !== null || x509;
}

/** evm_verify_hmac, also where something else than security.ima is about to change. */
export function verifyMetadata(file: EvmFile, state: EvmState, ports: LabelPorts): EvmResult {
  if (isSkipped(file, state)) return { status: 'unknown', writes: [] };
  const { evm } = file;
  if (evm === 'unsupported') return { status: 'unknown', writes: [] };
  if (evm === 'unreadable') return { status: 'fail', writes: [] };
  if (evm === null) {
    const exists = state.listed.some((name) => file.metadata.xattrs.has(name));
    return { status: exists ? 'no_label' : 'no_xattrs', writes: [] };
  }
  if (evm[0] === LABEL_TYPES.hmac) return { status: hmacStatus(evm, file, state, ports), writes: [] };
  if (evm[0] === LABEL_TYPES.signature || evm[0] === LABEL_TYPES.portable)
    return signatureStatus(evm, file, state, ports);
  return { status: 'fail', writes: [] };
}

/** 6.8 and 6.9 skipped such file systems always, later kernels where no certificate can have signed. */
function isSkipped({ isHmacUnsupported }: EvmFile, state: EvmState): boolean {
  if (isHmacUnsupported !== true || !hasVersion(state, '6.8')) return false;
  return !state.x509 || !hasVersion(state, '6.10');
}

function boundForm({ fsUuid }: EvmFile, { enabled, wordBits }: EvmState): Extract<MetadataForm, { form: 'bound' }> {
  return { form: 'bound', wordBits, xattrs: enabled, fsUuid };
}

function hasEnabled({ metadata }: EvmFile, { enabled }: EvmState): boolean {
  return enabled.some((name) => metadata.xattrs.has(name));
}

function hmacStatus(evm: Uint8Array, file: EvmFile, state: EvmState, { hasher }: LabelPorts): IntegrityStatus {
  if (evm.length !== HMAC_LABEL || state.hmacKey === null) return 'fail';
  if (!hasEnabled(file, state)) return 'no_xattrs';
  const hmac = evmHmac(hasher, state.hmacKey, file.metadata, boundForm(file, state));
  return equalBytes(evm.subarray(1), hmac) ? 'pass' : 'fail';
}

/** sizeof(struct evm_xattr) */
const HMAC_LABEL = 21;

function signatureStatus(evm: Uint8Array, file: EvmFile, state: EvmState, ports: LabelPorts): EvmResult {
  if (evm.length <= SIGNATURE_HEADER) return { status: 'fail', writes: [] };
  if (state.sigv3Required === true && evm[1] !== 3) return { status: 'fail', writes: [] };
  const isPortable = evm[0] === LABEL_TYPES.portable;
  if (!isPortable && !hasEnabled(file, state)) return { status: 'no_xattrs', writes: [] };
  const form = isPortable ? portableForm(state) : boundForm(file, state);
  const isComplete = !isPortable || file.metadata.xattrs.has('security.ima');
  // Metadata that are none are an error of the caller, and no bad signature.
  if (isComplete) metadataInput(file.metadata, form);
  const verdict = signatureVerdict(evm, () => checkSignature(evm, file.metadata, form, { state, ports }));
  // Before 5.14 nothing set apart that such a file cannot be mended by EVM.
  if (verdict !== 'valid')
    return { status: isPortable && hasVersion(state, '5.14') ? 'fail_immutable' : 'fail', writes: [] };
  if (isPortable) return { status: 'pass_immutable', writes: [] };
  return { status: 'pass', writes: replacement(file, state, ports) };
}

function checkSignature(
  raw: Uint8Array,
  metadata: FileMetadata,
  form: Extract<MetadataForm, { form: 'bound' | 'portable' }>,
  { state, ports }: { state: EvmState; ports: LabelPorts },
): SignatureVerdict {
  const label = parseEvmLabel(raw);
  if (label.kind !== 'signature') return 'invalid';
  if (label.version === 3 && !hasVersion(state, '7.1')) return 'unsupported';
  const key = state.keys.find(({ keyId }) => keyId === label.keyId);
  if (key === undefined) return 'unknown-key';
  verifyEvmSignature(label, metadata, form, key, ports);
  return 'valid';
}

function portableForm({ listed, wordBits }: EvmState): Extract<MetadataForm, { form: 'portable' }> {
  return { form: 'portable', wordBits, xattrs: listed };
}

function replacement(file: EvmFile, state: EvmState, { hasher }: LabelPorts): KernelWrite[] {
  if (state.hmacKey === null || file.isImmutable === true || file.isHmacUnsupported === true) return [];
  return [{ name: 'security.evm', value: hmacValue(file, state, state.hmacKey, hasher) }];
}

function hmacValue(file: EvmFile, state: EvmState, key: Uint8Array, hasher: LabelPorts['hasher']): Uint8Array {
  return encodeEvmLabel({ kind: 'hmac', hmac: evmHmac(hasher, key, file.metadata, boundForm(file, state)) });
}
