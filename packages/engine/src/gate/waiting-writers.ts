import { keepWritersOff, leaseBreakTime } from '@assay/linux/files';

/** How long who opens a file for writing waits for what is found out of the content that it has now. */
const PATIENCE_MS = 1000;
/** A look is a system call. */
const LOOK_EVERY_MS = 10;

const breakTime = leaseBreakTime();
/** Both together are less than the kernel's own patience, after which it lets a writer go on without telling. */
const patience = Math.min(PATIENCE_MS, breakTime / 3);
const longestAbsence = breakTime / 3;

/** Looks after a lease of `keepWritersOff`: whether somebody waits for its end, and for how long. */
export class WaitingWriters {
  readonly #fd: number;
  #looked: number;
  #since = Infinity;
  #isOverdue = false;

  /** @param looked `clock` of the time at which the lease was held for certain */
  constructor(fd: number, looked: number) {
    this.#fd = fd;
    this.#looked = looked;
  }

  /** When the lease was held for certain; undefined where writers may have come since (`clock`). */
  get looked(): number | undefined {
    return this.#isOverdue ? undefined : this.#looked;
  }

  /**
   * Whether somebody has waited for long enough; or nobody looked for so long that the kernel may have let him go on. To be
   * taken again, the lease must have no writer: not one that waits for it, and not one whose opening waits for a verdict.
   * @param now `clock`
   */
  areOverdue(now: number): boolean {
    if (this.#isOverdue || now - this.#looked < LOOK_EVERY_MS) return this.#isOverdue;
    this.#isOverdue = now - this.#looked > longestAbsence;
    const isKept = keepWritersOff(this.#fd) === 'none';
    this.#since = isKept ? Infinity : Math.min(this.#since, now);
    this.#isOverdue ||= now - this.#since > patience;
    this.#looked = now;
    return this.#isOverdue;
  }

  /** Whether the kernel may have let a writer go on who waited for all of `fs.lease-break-time`. @param now `clock` */
  mayHaveGoneOn(now: number): boolean {
    if (!this.areOverdue(now)) return false;
    return this.#since === Infinity || now - this.#since >= breakTime;
  }
}
