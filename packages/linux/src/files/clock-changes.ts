import { constants } from 'node:os';
import { callFailed, close, lastErrno, Pinned, readAt, timerfdCreate, timerfdSettime } from '../libc/index.ts';

/** include/uapi/linux/time.h, include/uapi/linux/timerfd.h */
const CLOCK_REALTIME = 0;
const TFD_NONBLOCK = 0o4000;
const TFD_CLOEXEC = 0o2000000;
const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;
/** In the year 36812: the timer never ends by itself. */
const NEVER_S = 2n ** 40n;
const { ECANCELED } = constants.errno;

/** Tells of sets of the clock that times of files are taken from, back and forth again included (timerfd_create(2)). */
export class ClockChanges {
  readonly #fd: number;
  readonly #count = new Pinned(8);

  /** @throws SystemError SYSTEM-CALL */
  constructor() {
    this.#fd = timerfdCreate(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (this.#fd < 0) throw callFailed('timerfd_create', lastErrno());
    const times = Buffer.alloc(32);
    times.writeBigInt64LE(NEVER_S, 16);
    if (timerfdSettime(this.#fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, times, null) === 0) return;
    const errno = lastErrno();
    this.close();
    throw callFailed('timerfd_settime', errno);
  }

  /** Whether the clock was set since this was asked last. Allocates and waits for nothing. */
  happened(): boolean {
    return readAt(this.#fd, this.#count.address, 8) < 0 && lastErrno() === ECANCELED;
  }

  close(): void {
    close(this.#fd);
  }
}
