import { constants } from 'node:os';
import {
  callFailed,
  close,
  fcntl,
  fcntlAt,
  gettid,
  lastErrno,
  Pinned,
  pthreadSigmask,
  readAt,
  signalfd,
} from '../libc/index.ts';

/** include/uapi/linux/fcntl.h, include/uapi/asm-generic/fcntl.h */
const F_SETSIG = 10;
const F_SETOWN_EX = 15;
const F_OWNER_TID = 0;
const F_SETLEASE = 1024;
const F_RDLCK = 0;
/** include/uapi/asm-generic/signal-defs.h */
const SIG_BLOCK = 0;
/** A real-time signal, as only those queue up and name the descriptor; the first few belong to C libraries. */
const BREAK = 44;
const { SIGIO } = constants.signals;
/** sigset_t of the C library. */
const SET_BYTES = 128;
/** struct signalfd_siginfo */
const INFO_BYTES = 128;
const INFO_FD = 20;
const INFOS_PER_READ = 64;
/** include/uapi/linux/signalfd.h */
const SFD_NONBLOCK = 0o4000;
const SFD_CLOEXEC = 0o2000000;
const { EAGAIN, EACCES, EINVAL, EINTR } = constants.errno;

/**
 * Read leases (fcntl(2)) of one thread, which alone may make and use this. While a lease is held nobody has the file open
 * for writing, and who opens or truncates it waits until the lease is given up, `lease-break-time` at the longest; who opens
 * it with O_NONBLOCK gets EAGAIN. What breaks no lease is open(2) with O_RDONLY and O_TRUNC.
 */
export class ReadLeases {
  /** Readable while somebody waits for a lease of this thread. */
  readonly fd: number;
  readonly #owner = new Pinned(8);
  readonly #infos = new Pinned(INFO_BYTES * INFOS_PER_READ);

  /** From now on the thread gets no such signal. @throws SystemError SYSTEM-CALL */
  constructor() {
    const set = new Pinned(SET_BYTES);
    for (const signal of [BREAK, SIGIO]) {
      const bit = signal - 1;
      set.bytes[bit >> 3] = (set.bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
    const errno = pthreadSigmask(SIG_BLOCK, set.address, 0);
    if (errno !== 0) throw callFailed('pthread_sigmask', errno);
    this.fd = signalfd(-1, set.address, SFD_NONBLOCK | SFD_CLOEXEC);
    if (this.fd < 0) throw callFailed('signalfd', lastErrno());
    this.#owner.bytes.writeInt32LE(F_OWNER_TID, 0);
    this.#owner.bytes.writeInt32LE(gettid(), 4);
  }

  /**
   * Takes the lease of a file, which the last close of the descriptor gives up.
   * @param fd opened for reading only
   * @returns false where somebody writes it, or the file system grants none
   * @throws SystemError SYSTEM-CALL
   */
  take(fd: number): boolean {
    if (fcntl(fd, F_SETSIG, BREAK) < 0) throw callFailed('fcntl F_SETSIG', lastErrno());
    if (fcntlAt(fd, F_SETOWN_EX, this.#owner.address) < 0) throw callFailed('fcntl F_SETOWN_EX', lastErrno());
    if (fcntl(fd, F_SETLEASE, F_RDLCK) === 0) return true;
    const errno = lastErrno();
    if (errno === EAGAIN || errno === EACCES || errno === EINVAL) return false;
    throw callFailed('fcntl F_SETLEASE', errno);
  }

  /**
   * Descriptors of leases for which somebody waits since the last call; some may be closed meanwhile.
   * @returns `all` where the kernel could not queue a signal: any lease may be waited for
   * @throws SystemError SYSTEM-CALL
   */
  broken(): readonly number[] | 'all' {
    const length = readAt(this.fd, this.#infos.address, this.#infos.bytes.length);
    if (length < 0) {
      const errno = lastErrno();
      if (errno === EAGAIN || errno === EINTR) return [];
      throw callFailed('read of signalfd', errno);
    }
    const found: number[] = [];
    for (let at = 0; at < length; at += INFO_BYTES) {
      if (this.#infos.bytes.readUInt32LE(at) === SIGIO) return 'all';
      found.push(this.#infos.bytes.readInt32LE(at + INFO_FD));
    }
    return found;
  }

  close(): void {
    close(this.fd);
  }
}
