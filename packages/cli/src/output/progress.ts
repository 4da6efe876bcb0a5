import { isatty } from 'node:tty';

const FIRST_AFTER_MILLISECONDS = 500;
const EVERY_MILLISECONDS = 200;

/** A line on stderr that says how far long work is: count, rate and remaining time. Only on a terminal. */
export class Progress {
  readonly #unit: string;
  #total: number | undefined;
  readonly #shows = isatty(2);
  readonly #started = performance.now();
  #next = this.#started + FIRST_AFTER_MILLISECONDS;
  #written = false;

  /** @param total of what `done` counts, where it is known */
  constructor(unit: string, total?: number) {
    this.#unit = unit;
    this.#total = total;
  }

  /** Where the total becomes known while the work goes on. */
  expect(total: number): void {
    this.#total = total;
  }

  /** To be called often: it looks at the clock, and seldom writes. */
  report(count: number, done: number): void {
    const now = performance.now();
    if (!this.#shows || now < this.#next) return;
    this.#next = now + EVERY_MILLISECONDS;
    this.#written = true;
    const text = progressText({ count, done, seconds: (now - this.#started) / 1000, total: this.#total });
    process.stderr.write(`\r${CLEAR}${text.replace('{unit}', this.#unit)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#written) process.stderr.write(`\r${CLEAR}`);
    this.#written = false;
  }
}

const CLEAR = `${String.fromCharCode(27)}[K`;

interface Reached {
  readonly count: number;
  readonly done: number;
  readonly seconds: number;
  readonly total: number | undefined;
}

function progressText({ count, done, seconds, total }: Reached): string {
  const rate = `${count.toLocaleString('en')} {unit}, ${Math.round(count / seconds).toLocaleString('en')} a second`;
  if (total === undefined || done === 0) return rate;
  const percent = Math.min(100, Math.floor((100 * done) / total));
  const left = Math.max(0, Math.round((seconds * (total - done)) / done));
  return `${percent} %, ${rate}, ${left} s left`;
}
