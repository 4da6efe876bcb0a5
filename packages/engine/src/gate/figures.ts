/** What the gate does, since its start and now. */
export interface GateActivity {
  /** When this was counted, RFC 3339; a few times in a second. */
  readonly at: string;
  /** Events that were read. Files in turbo bring none. */
  readonly events: number;
  /** In the last second. */
  readonly eventsPerSecond: number;
  /** Openings that the cache answered. */
  readonly hits: number;
  /** Openings about which the policy was asked. */
  readonly misses: number;
  /** Openings that were refused. */
  readonly denials: number;
  /** Openings that wait for their verdict. */
  readonly waiting: number;
  /** Milliseconds that the first of them has waited. */
  readonly longestWait: number;
  /** Files that the cache knows. */
  readonly cached: number;
  /** Left out where every opening is an event. */
  readonly turbo?: {
    /** Files that go without an event. */
    readonly files: number;
    /** Writers that had to wait for one of these. */
    readonly breaks: number;
  };
}

const NAMES = [
  'events',
  'eventsPerSecond',
  'hits',
  'misses',
  'denials',
  'waiting',
  'cached',
  'turboFiles',
  'turboBreaks',
] as const;
/** When it was written (`clock`). */
const AT = NAMES.length;
/** When the one that waits longest came (`clock`); 0: nobody waits. */
const SINCE = AT + 1;

export type Counted = Record<(typeof NAMES)[number], number>;

/** Written by the reading thread, a few times in a second, and read by others. Aligned words of 64 bits do not tear. */
export class Figures {
  readonly memory: SharedArrayBuffer;
  readonly #words: Float64Array<SharedArrayBuffer>;

  constructor(memory = new SharedArrayBuffer(8 * (NAMES.length + 2))) {
    this.memory = memory;
    this.#words = new Float64Array(memory);
  }

  /**
   * @param now `clock`
   * @param since when the one that waits longest came (`clock`); undefined: nobody waits
   */
  publish(counted: Counted, now: number, since: number | undefined): void {
    for (const [index, name] of NAMES.entries()) this.#words[index] = counted[name];
    this.#words[SINCE] = since ?? 0;
    this.#words[AT] = now;
  }

  /** @param now `clock` */
  read(now: number, hasTurbo: boolean): GateActivity {
    const at = (name: (typeof NAMES)[number]): number => this.#words[NAMES.indexOf(name)] ?? 0;
    const since = this.#words[SINCE] ?? 0;
    return {
      at: new Date(this.#words[AT] ?? 0).toISOString(),
      events: at('events'),
      eventsPerSecond: at('eventsPerSecond'),
      hits: at('hits'),
      misses: at('misses'),
      denials: at('denials'),
      waiting: at('waiting'),
      longestWait: since === 0 ? 0 : Math.max(0, Math.round(now - since)),
      cached: at('cached'),
      ...(hasTurbo ? { turbo: { files: at('turboFiles'), breaks: at('turboBreaks') } } : {}),
    };
  }
}
