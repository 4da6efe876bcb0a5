import type { AccessName, HookFunction, LabelField } from './rule.ts';

/** Bits of an access (include/linux/fs.h). */
export const ACCESS: Readonly<Record<AccessName, number>> = { MAY_EXEC: 1, MAY_WRITE: 2, MAY_READ: 4, MAY_APPEND: 8 };

/**
 * The functions with which the kernel asks its policy. POST_SETATTR is asked after chmod and chown, and no rule can name
 * it. SETXATTR_CHECK is never asked: its rules only set the algorithms of labels, see `labelAlgorithms`.
 */
export type EventFunction = Exclude<HookFunction, 'SETXATTR_CHECK'> | 'POST_SETATTR';

/** What the kernel asks its policy about. A fact that is left out is not known, and what depends on it neither. */
export interface PolicyEvent {
  readonly func: EventFunction;
  /**
   * Bits of {@link ACCESS}. FILE_CHECK has those of open(2): an appending open is MAY_WRITE and MAY_APPEND, an open for
   * execution MAY_EXEC. MMAP_CHECK, BPRM_CHECK and CREDS_CHECK have MAY_EXEC; files that the kernel reads for itself
   * MAY_READ; buffers 0.
   */
  readonly mask: number;
  readonly subject: Subject;
  /** For KEXEC_CMDLINE since 5.9 that of the new kernel. None with KEY_CHECK, CRITICAL_DATA, and POLICY_CHECK of a line that is written. */
  readonly file?: EventFile;
  /** KEY_CHECK: the name of the keyring; CRITICAL_DATA: the label of the data. */
  readonly data?: string;
  /** Whether a label of a security module is that of the file (`obj_`) or of the process (`subj_`). */
  readonly hasLabel?: (field: LabelField, text: string) => boolean | undefined;
}

/**
 * Whose access it is: with CREDS_CHECK the ids that the program gets, else those that the process has. From 5.8 to 6.18
 * CREDS_CHECK does not see what setuid and setgid bits of the program give.
 */
export interface Subject {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  /** Whether CAP_SETUID is effective; with it euid= is compared with uid and suid, too. */
  readonly setuid: boolean;
  /** The same for CAP_SETGID and egid=. */
  readonly setgid: boolean;
}

/** What conditions look at in a file and its file system. */
export interface EventFile {
  /** Of statfs(2) and include/uapi/linux/magic.h. Overlayfs and others have their own, whatever lies below. */
  readonly magic?: bigint;
  /** Type of the file system, such as `ext4`, without a subtype. */
  readonly type?: string;
  /** What follows the point in a type such as `fuse.sshfs`; empty where there is none. */
  readonly subtype?: string;
  /** Lower case; zeros where the file system has none. */
  readonly uuid?: string;
  /** Of the file as its mount shows it. */
  readonly owner?: number;
  readonly group?: number;
}

/** A process with one user and group in all three places; root has the capabilities to change them. */
export function plainSubject(uid: number, gid: number): Subject {
  const isRoot = uid === 0;
  return { uid, euid: uid, suid: uid, gid, egid: gid, sgid: gid, setuid: isRoot, setgid: isRoot };
}
