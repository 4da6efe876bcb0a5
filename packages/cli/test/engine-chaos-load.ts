// A process that opens and executes files on a watched mount, at a rate, until a file is there. Then it tells, as JSON, what
// became of it. Its only argument is `LoadSetup` as JSON.
import { closeSync, constants, existsSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { executeToEnd } from '@assay/testkit/files';
import { randomNumbers } from './random-numbers.ts';

export interface LoadSetup {
  readonly mount: string;
  /** Of this process; in the names of files that are its own. */
  readonly name: string;
  readonly seed: number;
  /** Openings per second. */
  readonly rate: number;
  /** How many files there are of each kind. */
  readonly files: number;
  readonly stop: string;
}

export interface LoadResult {
  opened: number;
  refused: number;
  /** What must never be: opened or executed with another content than its label's. */
  readonly wrong: string[];
  /** Files that nobody opened before, and that were let be opened. */
  readonly fresh: string[];
  /** Milliseconds on the clock of `now`: from when to when an opening waited, where that was long. */
  readonly waits: (readonly [number, number])[];
  slowest: number;
}

/** Milliseconds on a clock that all processes share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const LONG_MS = 250;

class Load {
  readonly #setup: LoadSetup;
  readonly #random: () => number;
  readonly #result: LoadResult = { opened: 0, refused: 0, wrong: [], fresh: [], waits: [], slowest: 0 };
  #nextFresh = 0;
  #isVictimGood = true;

  constructor(setup: LoadSetup) {
    this.#setup = setup;
    this.#random = randomNumbers(setup.seed);
  }

  run(): LoadResult {
    const { rate, stop } = this.#setup;
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (let due = now(), count = 0; count % 20 !== 0 || !existsSync(stop); count++) {
      this.#step(this.#random());
      // What a wait has cost is not caught up with: that would be another load.
      due = Math.max(due + 1000 / rate, now() - 100);
      const rest = due - now();
      if (rest > 1) Atomics.wait(sleeper, 0, 0, rest);
    }
    return this.#result;
  }

  #step(choice: number): void {
    if (choice < 0.7) this.#open(this.#one('good'));
    else if (choice < 0.8) this.#openFresh();
    else if (choice < 0.92) this.#mustNot('open', this.#one('tampered'));
    else if (choice < 0.95) this.#executed(this.#path('run'));
    else if (choice < 0.97) this.#mustNot('execute', this.#path('run-tampered'));
    else this.#touchVictim();
  }

  /** A file whose verdict is known, and is wrong from one moment to the next. */
  #touchVictim(): void {
    const victim = this.#path(`victim-${this.#setup.name}`);
    const isGood = this.#isVictimGood;
    const changed = this.#timed(() => {
      const fd = openSync(victim, constants.O_WRONLY | constants.O_APPEND);
      if (isGood) writeSync(fd, 'more');
      else ftruncateSync(fd, victim.length);
      closeSync(fd);
    });
    if (changed) this.#isVictimGood = !isGood;
    if (this.#isVictimGood) this.#open(victim);
    else this.#mustNot('open', victim);
  }

  #openFresh(): void {
    const { files, name } = this.#setup;
    if (this.#nextFresh >= files) return;
    const path = this.#path(`fresh-${name}-${this.#nextFresh++}`);
    if (this.#open(path)) this.#result.fresh.push(path);
  }

  #mustNot(how: 'open' | 'execute', path: string): void {
    const happened = how === 'open' ? this.#open(path) : this.#executed(path);
    if (happened) this.#result.wrong.push(`${how} ${path} at ${now()}`);
  }

  #one(kind: string): string {
    return this.#path(`${kind}-${Math.floor(this.#random() * 20)}`);
  }

  #path(name: string): string {
    return join(this.#setup.mount, name);
  }

  #open(path: string): boolean {
    return this.#timed(() => closeSync(openSync(path, 'r')));
  }

  #executed(path: string): boolean {
    return this.#timed(() => {
      const status = executeToEnd(path);
      if (status !== 0) throw new Error(`EPERM, or status ${status}`);
    });
  }

  #timed(action: () => void): boolean {
    const from = now();
    const done = succeeds(action);
    const until = now();
    this.#result[done ? 'opened' : 'refused'] += 1;
    this.#result.slowest = Math.max(this.#result.slowest, until - from);
    if (until - from > LONG_MS) this.#result.waits.push([from, until]);
    return done;
  }
}

/** @returns false where it was refused */
function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('EPERM')) return false;
    throw error;
  }
}

function isSetup(value: unknown): value is LoadSetup {
  return typeof value === 'object' && value !== null && 'mount' in value && 'stop' in value;
}

if (import.meta.main) {
  const setup: unknown = JSON.parse(process.argv[2] ?? '');
  if (!isSetup(setup)) throw new Error('this process is started by a test');
  process.stdout.write(JSON.stringify(new Load(setup).run()));
}
