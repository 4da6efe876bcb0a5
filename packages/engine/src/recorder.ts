import { setTimeout as delay } from 'node:timers/promises';
import { SystemError } from '@assay/core/errors';
import type { MeasurementEntry } from '@assay/core/measurement';
import type { EntryDraft } from './drafts.ts';
import type { MeasurementList } from './list.ts';

/** Entries that one write() to each list file may bring. */
const BATCH = 256;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;

/** Something to list. `settled` is called when it is in the list and in the PCR; without entry where it was before. */
export interface RecorderItem {
  readonly draft: EntryDraft;
  readonly settled?: (entry: MeasurementEntry | undefined) => void;
}

/**
 * Brings items into the list, strictly in the order in which they come. While the TPM or the disk fails it tries again
 * and again, and what comes meanwhile waits.
 */
export class Recorder {
  readonly #list: MeasurementList;
  readonly #log: (line: string) => void;
  readonly #failed: (error: unknown) => void;
  readonly #abort = new AbortController();
  readonly #queue: RecorderItem[] = [];
  #working: Promise<void> | undefined;

  /** @param failed called once, when it cannot go on */
  constructor(list: MeasurementList, log: (line: string) => void, failed: (error: unknown) => void) {
    this.#list = list;
    this.#log = log;
    this.#failed = failed;
  }

  add(item: RecorderItem): void {
    this.#queue.push(item);
    if (!this.#abort.signal.aborted) this.#working ??= this.#work();
  }

  /** Resolves when nothing waits, or nothing can be done any more. */
  async idle(): Promise<void> {
    await this.#working;
  }

  /** Does not try again what fails. */
  giveUp(): void {
    this.#abort.abort();
  }

  async #work(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#record(this.#queue.splice(0, BATCH));
        await this.#rotate();
      }
    } catch (error) {
      this.#abort.abort();
      this.#failed(error);
    } finally {
      this.#working = undefined;
    }
  }

  async #record(items: readonly RecorderItem[]): Promise<void> {
    const entries = await this.#persist('writing the list', () => this.#list.append(items.map(({ draft }) => draft)));
    for (const [index, { settled }] of items.entries()) {
      const entry = entries[index];
      if (entry !== undefined) await this.#persist(`extending entry ${entry.number}`, () => this.#list.extendNext());
      settled?.(entry);
    }
  }

  /** Shortens a list that is long. Where that fails it stays long, and nothing waits for it. */
  async #rotate(): Promise<void> {
    const draft = this.#tried(() => this.#list.beginRotation());
    if (draft === undefined) return;
    await this.#record([{ draft }]);
    this.#tried(() => this.#list.endRotation());
  }

  #tried<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#log(`the list stays as long as it is: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  async #persist<T>(what: string, action: () => T | Promise<T>): Promise<T> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await action();
      } catch (error) {
        const hopeless = error instanceof SystemError && error.code === 'PCR-FOREIGN';
        if (hopeless || this.#abort.signal.aborted) throw error;
        this.#log(`${what} failed and is tried again: ${error instanceof Error ? error.message : String(error)}`);
      }
      await delay(pause, undefined, { signal: this.#abort.signal });
    }
  }
}
