import { Figures, type Counted } from './figures.ts';

const SECOND_MS = 1000;

/** What the reading thread counts for others to see. */
export class Tally {
  events = 0;
  hits = 0;
  misses = 0;
  denials = 0;
  readonly #figures: Figures;
  #second = { start: 0, events: 0, rate: 0 };

  constructor(memory: SharedArrayBuffer) {
    this.#figures = new Figures(memory);
  }

  /**
   * @param now `clock`
   * @param since when the opening came that waits longest; undefined: none waits
   */
  publish(
    now: number,
    state: Pick<Counted, 'waiting' | 'cached' | 'turboFiles' | 'turboBreaks'>,
    since: number | undefined,
  ): void {
    const { events, hits, misses, denials } = this;
    const passed = now - this.#second.start;
    if (passed >= SECOND_MS) {
      const rate = Math.round(((events - this.#second.events) * SECOND_MS) / passed);
      this.#second = { start: now, events, rate: this.#second.start === 0 ? 0 : rate };
    }
    this.#figures.publish({ events, hits, misses, denials, eventsPerSecond: this.#second.rate, ...state }, now, since);
  }
}
