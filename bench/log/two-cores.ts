// Template digests on all threads; this one also reads and extends, in the order of the list.
import { closeSync, openSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { PcrChain, recordLength, type Banks, type Replayed } from './replay.ts';
import type { SectionWork } from './section-worker.ts';
import { allocateSection, Section, SECTION_BYTES } from './sections.ts';

const SECTIONS = 8;
const PATIENCE_MILLISECONDS = 30_000;

export async function replayOnTwoCores(path: string, banks: Banks): Promise<Replayed> {
  const memory = Array.from({ length: SECTIONS }, () => allocateSection(banks));
  const given = new Int32Array(new SharedArrayBuffer(4));
  const workerData: SectionWork = { names: banks.map(({ name }) => name), memory, given };
  const worker = new Worker(new URL('./section-worker.ts', import.meta.url), { workerData });
  const file = openSync(path, 'r');
  try {
    const ring = memory.map((part) => new Section(part));
    const chain = new PcrChain(banks);
    const entries = new Pipeline(new RecordReader(file), ring, given, banks).run(chain);
    return { entries, pcrs: chain.values(10) };
  } finally {
    closeSync(file);
    await worker.terminate();
  }
}

class Pipeline {
  readonly #reader: RecordReader;
  readonly #free: Section[];
  readonly #underway: Section[] = [];
  readonly #given: Int32Array<SharedArrayBuffer>;
  readonly #banks: Banks;

  constructor(reader: RecordReader, sections: readonly Section[], given: Int32Array<SharedArrayBuffer>, banks: Banks) {
    this.#reader = reader;
    this.#free = [...sections];
    this.#given = given;
    this.#banks = banks;
  }

  /** @returns the number of entries */
  run(chain: PcrChain): number {
    let entries = 0;
    for (;;) {
      this.#giveAll();
      const oldest = this.#underway.shift();
      if (oldest === undefined) return entries;
      while (!oldest.done) this.#help(oldest);
      chain.extend(oldest.values, oldest.entries);
      entries += oldest.entries;
      this.#free.push(oldest);
    }
  }

  #giveAll(): void {
    while (!this.#reader.ended) {
      const section = this.#free.shift();
      if (section === undefined) return;
      section.give(this.#reader.fill(section));
      this.#underway.push(section);
      Atomics.add(this.#given, 0, 1);
      Atomics.notify(this.#given, 0);
    }
  }

  /** Computes a section that no other thread has claimed: the oldest, else the newest. Waits when there is none. */
  #help(oldest: Section): void {
    const mine = [oldest, ...this.#underway.toReversed()].find((section) => section.claim());
    if (mine === undefined) oldest.wait(PATIENCE_MILLISECONDS);
    else mine.compute(this.#banks);
  }
}

/** Reads a file in pieces that end where a record ends. */
class RecordReader {
  readonly #file: number;
  readonly #rest = new Uint8Array(SECTION_BYTES);
  #restLength = 0;
  #ended = false;

  constructor(file: number) {
    this.#file = file;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @returns how many bytes of whole records the section holds now */
  fill(section: Section): number {
    section.bytes.set(this.#rest.subarray(0, this.#restLength));
    const read = readSync(this.#file, section.bytes, this.#restLength, SECTION_BYTES - this.#restLength, null);
    const filled = this.#restLength + read;
    const end = endOfRecords(section.list, filled);
    this.#rest.set(section.bytes.subarray(end, filled));
    this.#restLength = filled - end;
    this.#ended = read === 0;
    if (this.#ended && this.#restLength > 0) throw new Error('the last record is not whole');
    return end;
  }
}

function endOfRecords(list: DataView, filled: number): number {
  let end = 0;
  for (;;) {
    const length = recordLength(list, end, filled);
    if (length === 0) return end;
    end += length;
  }
}
