// Two threads: this one reads and chains, the other computes the template digests of the sections in between.
import { closeSync, openSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { PcrChain, recordLength, type Banks, type Replayed } from './replay.ts';
import { SECTION_BYTES, SECTIONS, Section } from './sections.ts';

const PATIENCE_MILLISECONDS = 30_000;

export async function replayOnTwoCores(path: string, banks: Banks): Promise<Replayed> {
  const memory = Array.from({ length: SECTIONS }, () => Section.allocate(banks));
  const worker = new Worker(new URL('./section-worker.ts', import.meta.url), {
    workerData: { names: banks.map(({ name }) => name), memory },
  });
  const file = openSync(path, 'r');
  try {
    const chain = new PcrChain(banks);
    const sections = memory.map((part) => new Section(part));
    return { entries: pipeline(new RecordReader(file), sections, chain), pcrs: chain.values(10) };
  } finally {
    closeSync(file);
    await worker.terminate();
  }
}

/** Sections go round in a ring: all that are free are given away before the oldest is waited for. */
function pipeline(reader: RecordReader, ring: Section[], chain: PcrChain): number {
  let entries = 0;
  const underway: Section[] = [];
  for (;;) {
    while (ring.length > 0 && reader.more()) {
      const section = ring.shift();
      if (section === undefined) break;
      section.give(reader.fill(section));
      underway.push(section);
    }
    const done = underway.shift();
    if (done === undefined) return entries;
    const count = done.take(PATIENCE_MILLISECONDS);
    chain.extend(done.values, count);
    entries += count;
    ring.push(done);
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

  more(): boolean {
    return !this.#ended;
  }

  /** @returns how many bytes of whole records the section holds now */
  fill(section: Section): number {
    section.bytes.set(this.#rest.subarray(0, this.#restLength));
    const read = readSync(this.#file, section.bytes, this.#restLength, SECTION_BYTES - this.#restLength, null);
    const filled = this.#restLength + read;
    let end = 0;
    for (let length = recordLength(section.list, 0, filled); length > 0; ) {
      end += length;
      length = recordLength(section.list, end, filled);
    }
    this.#rest.set(section.bytes.subarray(end, filled));
    this.#restLength = filled - end;
    this.#ended = read === 0;
    if (this.#ended && this.#restLength > 0) throw new Error('the last record is not whole');
    return end;
  }
}
