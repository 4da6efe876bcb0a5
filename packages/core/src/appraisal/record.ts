import { hasVersion, type KernelProfile } from '../policy/index.ts';

/** include/uapi/linux/audit.h */
export const RECORD_TYPES = {
  INTEGRITY_DATA: 1800,
  INTEGRITY_METADATA: 1801,
  INTEGRITY_PCR: 1804,
  /** Since 6.14, for checks that a script interpreter asks for with AT_EXECVE_CHECK. */
  INTEGRITY_USERSPACE: 1808,
} as const;

/** What a record says of a decision; who and which file it was about is added by {@link recordText}. */
export interface IntegrityRecord {
  readonly type: keyof typeof RECORD_TYPES;
  readonly op:
    | 'appraise_data'
    | 'collect_data'
    | 'mmap_file'
    | 'set_data'
    | 'update_metadata'
    | 'appraise_metadata'
    | 'invalid_pcr';
  readonly cause: string;
  /** What `res` says; a few records of failures say success, because they show the result of an earlier step. */
  readonly success: boolean;
  /** How the file is named: by its whole path, by its last component, or by its path inside its file system. */
  readonly name: 'path' | 'component' | 'inner-path';
}

/** Process and file of a record. Texts are bytes, because they need not be UTF-8. */
export interface RecordSubject {
  readonly pid: number;
  readonly uid: number;
  /** Login uid and session; left out: not set. */
  readonly auid?: number;
  readonly ses?: number;
  /** Label of the process, where a security module has one. */
  readonly subj?: string;
  /** At most 15 bytes. */
  readonly comm: Uint8Array;
  readonly path: Uint8Array;
  /** Where the file system is mounted elsewhere than at `/`: the path inside it. */
  readonly innerPath?: Uint8Array;
  /** As in /proc/mounts, without `/dev/`. */
  readonly dev: string;
  readonly inode: bigint;
}

/** AUDIT_UID_UNSET and AUDIT_SID_UNSET */
const UNSET = 0xffffffff;
const SLASH = 0x2f;

/**
 * The text of an audit record from `pid=` on, as the kernel writes it behind `audit(TIME:SERIAL): `
 * (security/integrity/integrity_audit.c, integrity_audit_message).
 */
export function recordText(
  record: IntegrityRecord,
  subject: RecordSubject,
  kernel: Pick<KernelProfile, 'version'>,
): string {
  const { pid, uid, auid = UNSET, ses = UNSET, subj } = subject;
  const parts = [
    `pid=${pid} uid=${uid} auid=${auid} ses=${ses}`,
    ...(subj === undefined ? [] : [`subj=${subj}`]),
    `op=${record.op} cause=${record.cause} comm=${untrustedText(subject.comm)}`,
    `name=${untrustedText(nameOf(record, subject))} dev=${untrustedText(new TextEncoder().encode(subject.dev))}`,
    `ino=${subject.inode} res=${record.success ? 1 : 0}`,
    ...(hasVersion(kernel, '5.9') ? ['errno=0'] : []),
  ];
  return parts.join(' ');
}

function nameOf({ name }: IntegrityRecord, { path, innerPath = path }: RecordSubject): Uint8Array {
  if (name === 'path') return path;
  return name === 'component' ? path.subarray(path.lastIndexOf(SLASH) + 1) : innerPath;
}

/**
 * A text that anybody may have chosen, as audit_log_untrustedstring writes it: in quotation marks, or, where a quotation
 * mark, a blank or anything but printable ASCII is in it, as hexadecimal in upper case.
 */
export function untrustedText(text: Uint8Array): string {
  const isPlain = text.every((byte) => byte >= 0x21 && byte <= 0x7e && byte !== 0x22);
  if (isPlain) return `"${String.fromCharCode(...text)}"`;
  return Array.from(text, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
}
