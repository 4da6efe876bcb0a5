import { constants } from 'node:os';
import { callFailed, eventfd, lastErrno, Pinned, pollAt, readAt, writeAt } from '../libc/index.ts';

/** struct pollfd */
const POLLFD_LENGTH = 8;
const POLLIN = 0x1;
const POLLPRI = 0x2;
/** include/uapi/linux/eventfd.h */
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const { EINTR } = constants.errno;

/** Several descriptors of which one thread waits for any. */
export class Readiness {
  readonly #memory: Pinned;
  readonly #view: DataView;
  readonly #count: number;

  /** @param changing of files of /proc that are ready when they have changed, such as mountinfo; counted behind the others */
  constructor(descriptors: readonly number[], changing: readonly number[] = []) {
    this.#count = descriptors.length + changing.length;
    this.#memory = new Pinned(this.#count * POLLFD_LENGTH);
    this.#view = new DataView(this.#memory.bytes.buffer);
    for (const [index, fd] of [...descriptors, ...changing].entries()) {
      this.#view.setInt32(index * POLLFD_LENGTH, fd, true);
      this.#view.setInt16(index * POLLFD_LENGTH + 4, index < descriptors.length ? POLLIN : POLLPRI, true);
    }
  }

  /**
   * Blocks the thread until one is ready.
   * @param timeout milliseconds
   * @throws SystemError SYSTEM-CALL
   */
  wait(timeout: number): void {
    if (pollAt(this.#memory.address, this.#count, timeout) >= 0) return;
    const errno = lastErrno();
    for (let index = 0; index < this.#count; index++) this.#view.setInt16(index * POLLFD_LENGTH + 6, 0, true);
    if (errno !== EINTR) throw callFailed('poll', errno);
  }

  /** Whether that one was ready; readable, or at its end. */
  isReady(index: number): boolean {
    return this.#view.getInt16(index * POLLFD_LENGTH + 6, true) !== 0;
  }
}

/** An eventfd(2) on which one thread waits, in `Readiness`, until another one rings. */
export class Bell {
  readonly fd: number;
  readonly #memory = new Pinned(8);

  /** @param fd of a bell of another thread; without, a new one. @throws SystemError SYSTEM-CALL */
  constructor(fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd < 0) throw callFailed('eventfd', lastErrno());
    this.fd = fd;
  }

  ring(): void {
    this.#memory.bytes.writeBigUInt64LE(1n);
    writeAt(this.fd, this.#memory.address, 8);
  }

  /** Until the next ring it is not ready any more. */
  silence(): void {
    readAt(this.fd, this.#memory.address, 8);
  }
}
