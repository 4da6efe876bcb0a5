import { constants } from 'node:os';
import { constants as files } from 'node:fs';
import { callFailed, close, fanotifyInit, fanotifyMark, lastErrno, poll, read } from '../libc/index.ts';
import * as fan from './constants.ts';
import { parseFanotifyEvents, type FanotifyEvent } from './events.ts';

/** Descriptors that one read may bring; each stays open until its event is done. */
const EVENTS_PER_READ = 64;
/** struct pollfd */
const POLLFD_LENGTH = 8;
const POLLIN = 0x1;
const { EAGAIN, EINTR, EBADF, EFAULT, EINVAL } = constants.errno;
/** The calls themselves are wrong; any other errno of read() speaks of one event, which the kernel then has dropped. */
const CALLER_ERRORS: readonly number[] = [EBADF, EFAULT, EINVAL];

/** What one read brought. `dropped`: the kernel could not open the file of one event and forgot the event. */
export interface FanotifyRead {
  readonly events: readonly FanotifyEvent[];
  readonly dropped: boolean;
}

/** A group that reports, after the file was opened, what is executed on the file systems it was told to watch (fanotify(7)). */
export class FanotifyGroup {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(EVENTS_PER_READ * fan.METADATA_LENGTH);
  readonly #pollfd = Buffer.alloc(POLLFD_LENGTH);

  /** @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL */
  constructor() {
    const opened = files.O_RDONLY | files.O_NOATIME | fan.O_CLOEXEC | fan.O_LARGEFILE;
    this.#fd = fanotifyInit(fan.FAN_CLASS_NOTIF | fan.FAN_CLOEXEC | fan.FAN_NONBLOCK, opened);
    if (this.#fd < 0) throw callFailed('fanotify_init', lastErrno(), 'CAP_SYS_ADMIN');
    this.#pollfd.writeInt32LE(this.#fd, 0);
    this.#pollfd.writeInt16LE(POLLIN, 4);
  }

  /**
   * Watches the whole file system that holds the path: through every mount of it, in every mount namespace.
   * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL
   */
  markFileSystem(path: string): void {
    const flags = fan.FAN_MARK_ADD | fan.FAN_MARK_FILESYSTEM;
    const failed = fanotifyMark(this.#fd, flags, fan.FAN_OPEN_EXEC, fan.AT_FDCWD, path) < 0;
    if (failed) throw callFailed(`fanotify_mark of ${JSON.stringify(path)}`, lastErrno(), 'CAP_SYS_ADMIN');
  }

  /** Ends the watch; events that are queued already can still be read. */
  unmarkAll(): void {
    const flags = fan.FAN_MARK_FLUSH | fan.FAN_MARK_FILESYSTEM;
    const failed = fanotifyMark(this.#fd, flags, 0n, fan.AT_FDCWD, null) < 0;
    if (failed) throw callFailed('fanotify_mark to end the watch', lastErrno(), 'CAP_SYS_ADMIN');
  }

  /**
   * Waits for events and reads some. Blocks the thread.
   * @param timeout milliseconds; 0 looks only
   * @throws SystemError; FormatError where the kernel speaks another version
   */
  read(timeout: number): FanotifyRead {
    const ready = poll(this.#pollfd, 1, timeout);
    if (ready < 0 && lastErrno() !== EINTR) throw callFailed('poll of fanotify', lastErrno());
    if (ready <= 0) return { events: [], dropped: false };
    const length = read(this.#fd, this.#buffer, this.#buffer.length);
    if (length >= 0) return { events: parseFanotifyEvents(this.#buffer.subarray(0, length)), dropped: false };
    const errno = lastErrno();
    if (CALLER_ERRORS.includes(errno)) throw callFailed('read of fanotify', errno);
    return { events: [], dropped: errno !== EAGAIN && errno !== EINTR };
  }

  /** Closes the descriptor of an event. */
  release({ fd }: FanotifyEvent): void {
    if (fd !== undefined) close(fd);
  }

  close(): void {
    close(this.#fd);
  }
}
