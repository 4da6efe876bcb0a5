import { constants as files } from 'node:fs';
import { constants } from 'node:os';
import { FormatError } from '@assay/core/errors';
import { callFailed, close, fanotifyInit, fanotifyMark, lastErrno, Pinned, readAt, writeAt } from '../libc/index.ts';
import * as fan from './constants.ts';

/** What a group asks about: every file that is executed, and the opening of every file besides. */
export interface AskedEvents {
  readonly opens: boolean;
  /** Tells, without asking, of files that were open for writing and are closed. */
  readonly closes: boolean;
}

/** One event as the kernel lays it out; `at` counts the events of the last read. */
export interface AskedEvent {
  readonly fd: number;
  /** Process; thread where the group reports openings, as threads of one process open files at the same time. */
  readonly pid: number;
  readonly kind: 'exec' | 'open' | 'closed';
}

const EVENTS_PER_READ = 128;
const RESPONSE_LENGTH = 8;
/** Descriptors that a process which reads events may have: each event that waits holds one. */
export const EVENT_DESCRIPTORS = 65_536;
const { EAGAIN, EINTR, EBADF, EFAULT, EINVAL, ENOENT } = constants.errno;
const CALLER_ERRORS: readonly number[] = [EBADF, EFAULT, EINVAL];
const OPEN_EXEC_PERM = Number(fan.FAN_OPEN_EXEC_PERM);
const PERMISSIONS = Number(fan.FAN_OPEN_EXEC_PERM | fan.FAN_OPEN_PERM);
const OVERFLOW = Number(fan.FAN_Q_OVERFLOW);

/**
 * A group whose events wait for answers (fanotify(7), FAN_CLASS_CONTENT). It is made for the thread that answers: reading,
 * asking and answering allocate next to nothing, open nothing, and wait in `wait` only.
 */
export class PermissionGroup {
  readonly fd: number;
  readonly #buffer = new Pinned(EVENTS_PER_READ * fan.METADATA_LENGTH);
  readonly #view = new DataView(this.#buffer.bytes.buffer);
  readonly #response = new Pinned(RESPONSE_LENGTH);
  readonly #words = new Int32Array(this.#response.bytes.buffer);

  /** @param fd a group of `openPermissionGroup`, of this process or inherited */
  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * Asks about a whole file system: through every mount of it, in every mount namespace. May wait for the file system:
   * not for the thread that answers.
   * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL
   */
  mark(path: string, { opens, closes }: AskedEvents): void {
    const mask = fan.FAN_OPEN_EXEC_PERM | (opens ? fan.FAN_OPEN_PERM : 0n) | (closes ? fan.FAN_CLOSE_WRITE : 0n);
    const flags = fan.FAN_MARK_ADD | fan.FAN_MARK_FILESYSTEM;
    const failed = fanotifyMark(this.fd, flags, mask, fan.AT_FDCWD, path) < 0;
    if (failed) throw callFailed(`fanotify_mark of ${JSON.stringify(path)}`, lastErrno(), 'CAP_SYS_ADMIN');
  }

  /** Whether the group asks about the file system already. @throws SystemError SYSTEM-CALL */
  isMarked(path: string): boolean {
    // Taken away is what no mark of this class has.
    const flags = fan.FAN_MARK_REMOVE | fan.FAN_MARK_FILESYSTEM;
    if (fanotifyMark(this.fd, flags, fan.FAN_CLOSE_NOWRITE, fan.AT_FDCWD, path) === 0) return true;
    const errno = lastErrno();
    if (errno === ENOENT) return false;
    throw callFailed(`fanotify_mark to look at ${JSON.stringify(path)}`, errno);
  }

  /** Asks no more; events that are queued already still wait for their answers. */
  unmarkAll(): void {
    const failed = fanotifyMark(this.fd, fan.FAN_MARK_FLUSH | fan.FAN_MARK_FILESYSTEM, 0n, fan.AT_FDCWD, null) < 0;
    if (failed) throw callFailed('fanotify_mark to end the watch', lastErrno(), 'CAP_SYS_ADMIN');
  }

  /**
   * Asks no more about openings of one file, of this kind, until `heed`, or until a change of the content of which the kernel
   * itself tells (FS_MODIFY). Stores through mappings and asynchronous writes are none: who calls this must know of writers.
   * Where the file is open for writing now, nothing happens.
   * @param fd any descriptor of the file
   * @throws SystemError SYSTEM-CALL
   */
  ignore(fd: number, kind: 'exec' | 'open'): void {
    const mask = kind === 'exec' ? fan.FAN_OPEN_EXEC_PERM : fan.FAN_OPEN_PERM;
    const flags = fan.FAN_MARK_ADD | fan.FAN_MARK_IGNORED_MASK;
    if (fanotifyMark(this.fd, flags, mask, fd, null) < 0)
      throw callFailed('fanotify_mark of an ignored file', lastErrno());
  }

  /** Asks about the file again. @throws SystemError SYSTEM-CALL */
  heed(fd: number): void {
    const flags = fan.FAN_MARK_REMOVE | fan.FAN_MARK_IGNORED_MASK;
    const failed = fanotifyMark(this.fd, flags, fan.FAN_OPEN_EXEC_PERM | fan.FAN_OPEN_PERM, fd, null) < 0;
    if (failed && lastErrno() !== ENOENT) throw callFailed('fanotify_mark of a file to be heeded', lastErrno());
  }

  /** Asks about every file again, whoever ignored it. @throws SystemError SYSTEM-CALL */
  heedAll(): void {
    const failed = fanotifyMark(this.fd, fan.FAN_MARK_FLUSH, 0n, fan.AT_FDCWD, null) < 0;
    if (failed) throw callFailed('fanotify_mark of all files to be heeded', lastErrno());
  }

  /**
   * Takes what is there, at most 128 events.
   * @returns `dropped`: events that the kernel could not hand over, whose openings it refused (no descriptor left, or the
   *   file cannot be opened), or of which it dropped an unknown number, as its queue was full
   * @throws SystemError SYSTEM-CALL; FormatError FANOTIFY-EVENT where the kernel speaks another version
   */
  read(): { readonly events: readonly AskedEvent[]; readonly dropped: number } {
    const length = readAt(this.fd, this.#buffer.address, this.#buffer.bytes.length);
    if (length < 0) return this.#nothing(lastErrno());
    const events: AskedEvent[] = [];
    let dropped = 0;
    for (let at = 0; at < length; ) {
      const eventLength = this.#view.getUint32(at, true);
      const isKnown = this.#view.getUint8(at + 4) === fan.FANOTIFY_METADATA_VERSION;
      if (!isKnown || eventLength < fan.METADATA_LENGTH || at + eventLength > length) throw unknownEvent(at);
      const fd = this.#view.getInt32(at + 16, true);
      const mask = this.#view.getUint32(at + 8, true);
      if (fd < 0 || (mask & OVERFLOW) !== 0) dropped++;
      else events.push({ fd, pid: this.#view.getInt32(at + 20, true), kind: kindOf(mask) });
      at += eventLength;
    }
    return { events, dropped };
  }

  #nothing(errno: number): ReturnType<PermissionGroup['read']> {
    if (CALLER_ERRORS.includes(errno)) throw callFailed('read of fanotify', errno);
    return { events: [], dropped: errno === EAGAIN || errno === EINTR ? 0 : 1 };
  }

  /**
   * Answers the opening that waits with this descriptor, which the caller closes afterwards.
   * @returns false where nobody waits: the process was killed, or somebody else answered
   */
  answer(fd: number, allowed: boolean): boolean {
    this.#words[0] = fd;
    this.#words[1] = allowed ? fan.FAN_ALLOW : fan.FAN_DENY;
    if (writeAt(this.fd, this.#response.address, RESPONSE_LENGTH) >= 0) return true;
    const errno = lastErrno();
    if (errno === ENOENT) return false;
    throw callFailed('write of a fanotify answer', errno);
  }

  /**
   * Answers what another process had read when it died: that waits under the descriptors of that process, whatever they
   * are in this one. Nobody may have read anything since.
   */
  answerLeft(allowed: boolean): void {
    for (let fd = 0; fd < EVENT_DESCRIPTORS; fd++) this.answer(fd, allowed);
  }

  /** Closes the descriptor of an event. */
  release(fd: number): void {
    close(fd);
  }

  /** Where no other process holds the group, the kernel then allows what waits. */
  close(): void {
    close(this.fd);
  }
}

/**
 * Makes a group.
 * @param reportThreads events name threads, not processes
 * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL
 */
export function openPermissionGroup(reportThreads: boolean): number {
  const flags =
    fan.FAN_CLASS_CONTENT | fan.FAN_CLOEXEC | fan.FAN_NONBLOCK | fan.FAN_UNLIMITED_QUEUE | fan.FAN_UNLIMITED_MARKS;
  const opened = files.O_RDONLY | files.O_NOATIME | fan.O_CLOEXEC | fan.O_LARGEFILE;
  const fd = fanotifyInit(flags | (reportThreads ? fan.FAN_REPORT_TID : 0), opened);
  if (fd < 0) throw callFailed('fanotify_init', lastErrno(), 'CAP_SYS_ADMIN');
  return fd;
}

function kindOf(mask: number): AskedEvent['kind'] {
  if ((mask & PERMISSIONS) === 0) return 'closed';
  return (mask & OPEN_EXEC_PERM) === 0 ? 'open' : 'exec';
}

function unknownEvent(offset: number): FormatError {
  return new FormatError('FANOTIFY-EVENT', `fanotify event at byte ${offset}: not of version 3`, { offset });
}
