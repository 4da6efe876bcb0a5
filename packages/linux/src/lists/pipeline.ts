import { setImmediate as immediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { HashName } from '@assay/core/hash';
import { Digester, type ListForm, type ListVerifier } from '@assay/core/measurement';
import { inPlaceHasher } from '../digests/index.ts';
import { hasEnded, startThread } from '../threads/index.ts';
import { RecordReader } from './record-reader.ts';
import { allocateSection, ENDED, Section, type SectionMemory } from './section.ts';
import type { SectionWork } from './section-worker.ts';
import type { ListSource, VerifyListOptions } from './options.ts';

const SECTIONS_PER_CORE = 2;
/** A worker allocates next to nothing; without limits V8 lets garbage pile up before it looks. */
const RESOURCES = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 };
const PATIENCE_MILLISECONDS = 60_000;

/**
 * Verifies a binary list as far as it comes in sections: template digests on all cores, the chain of the PCRs here. What
 * it leaves unread in the source follows what the verifier has then.
 * @throws FormatError
 */
export async function verifyInSections(
  verifier: ListVerifier,
  source: ListSource,
  { form, cores, progress }: VerifyListOptions & { readonly cores: number },
): Promise<void> {
  const banks = verifier.digestBanks;
  const memory = Array.from({ length: SECTIONS_PER_CORE * cores }, () => allocateSection(banks));
  const workers = new Workers(cores - 1, { form, banks, memory });
  try {
    const reader = new RecordReader(source, form, verifier.entries + 1);
    const sections = memory.map((part) => new Section(part, banks));
    const pipeline = new Pipeline(sections, { verifier, reader, workers });
    await pipeline.run(new Digester(form, banks, inPlaceHasher), progress);
    verifier.push(reader.rest);
  } finally {
    await workers.end();
  }
}

/** Threads that compute sections. */
class Workers {
  readonly #workers: readonly Worker[];
  readonly #given = new Int32Array(new SharedArrayBuffer(4));
  /** Rejects when one of them fails. */
  readonly failed: Promise<never>;

  constructor(count: number, work: { form: ListForm; banks: readonly HashName[]; memory: readonly SectionMemory[] }) {
    const workerData: SectionWork = { ...work, given: this.#given };
    const url = new URL('./section-worker.ts', import.meta.url);
    this.#workers = Array.from({ length: count }, () => startThread(url, { workerData, resourceLimits: RESOURCES }));
    const { promise, reject } = Promise.withResolvers<never>();
    for (const worker of this.#workers) worker.once('error', reject);
    promise.catch(() => undefined);
    this.failed = promise;
  }

  /** Tells them that there is a section to claim. */
  wake(): void {
    Atomics.add(this.#given, 0, 1);
    Atomics.notify(this.#given, 0);
  }

  /** They end by themselves, where they load their modules still as soon as that is done (`endThread`). */
  async end(): Promise<void> {
    Atomics.store(this.#given, 0, ENDED);
    Atomics.notify(this.#given, 0);
    await Promise.all(this.#workers.map(hasEnded));
  }
}

interface Parts {
  readonly verifier: ListVerifier;
  readonly reader: RecordReader;
  readonly workers: Workers;
}

/** Sections go from the reader to the threads, and in the order of the list to the verifier. */
class Pipeline {
  readonly #parts: Parts;
  readonly #free: Section[];
  readonly #underway: Section[] = [];
  #reading: Promise<void> | undefined;

  constructor(sections: readonly Section[], parts: Parts) {
    this.#free = [...sections];
    this.#parts = parts;
  }

  async run(digester: Digester, progress: VerifyListOptions['progress']): Promise<void> {
    const { verifier, workers } = this.#parts;
    for (;;) {
      this.#read();
      const [oldest] = this.#underway;
      if (oldest === undefined) {
        if (this.#reading === undefined) return;
        await this.#reading;
      } else if (oldest.done) {
        this.#take(oldest);
        progress?.(verifier.entries, verifier.bytes);
        await immediate();
      } else if (!this.#help(oldest, digester)) {
        await Promise.race([oldest.wait(PATIENCE_MILLISECONDS), workers.failed]);
      }
    }
  }

  /** One read at a time goes on while digests are computed. */
  #read(): void {
    const { reader } = this.#parts;
    if (this.#reading !== undefined || reader.ended) return;
    const section = this.#free.shift();
    if (section === undefined) return;
    this.#reading = this.#fill(section).finally(() => (this.#reading = undefined));
  }

  async #fill(section: Section): Promise<void> {
    const { reader, workers } = this.#parts;
    if (!(await reader.fill(section))) {
      this.#free.push(section);
      return;
    }
    this.#underway.push(section);
    workers.wake();
  }

  #take(section: Section): void {
    const { verifier } = this.#parts;
    verifier.add(section.extensions);
    const { consumed } = section.extensions;
    if (consumed < section.length) verifier.push(section.bytes.subarray(consumed, section.length));
    this.#underway.shift();
    this.#free.push(section);
  }

  /** Computes a section that no other thread has claimed: the oldest, else the newest. @returns whether there was one */
  #help(oldest: Section, digester: Digester): boolean {
    const mine = [oldest, ...this.#underway.toReversed()].find((section) => section.claim());
    mine?.compute(digester);
    return mine !== undefined;
  }
}
