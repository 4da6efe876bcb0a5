import type { HashName } from '../hash/index.ts';
import type { KernelProfile } from '../policy/index.ts';

/** enum integrity_status (include/linux/integrity.h), by the names in audit records (evm_main.c, integrity_status_msg). */
export type IntegrityStatus =
  | 'pass'
  /** A portable signature in security.evm is good: the metadata must not change any more. */
  | 'pass_immutable'
  | 'fail'
  | 'fail_immutable'
  | 'no_label'
  | 'no_xattrs'
  | 'unknown';

/** `ima_appraise=` */
export type AppraiseMode = 'off' | 'log' | 'fix' | 'enforce';

/** What of a kernel decides besides its rules. */
export interface AppraisingKernel extends Pick<KernelProfile, 'version'> {
  readonly mode: AppraiseMode;
  /** `ima_hash=`: the algorithm of labels that the kernel writes, and of those that name none. */
  readonly imaHash: HashName;
}

/** What a check says of a signature in an attribute. */
export type SignatureVerdict =
  | 'valid'
  | 'invalid'
  /** ENOKEY: no key of the keyring has the id that the signature names. */
  | 'unknown-key'
  /** EOPNOTSUPP: a version of the header that the kernel does not know. */
  | 'unsupported';

/** A value that the kernel writes by itself. */
export interface KernelWrite {
  readonly name: 'security.ima' | 'security.evm';
  /** null: it is removed. */
  readonly value: Uint8Array | null;
}
