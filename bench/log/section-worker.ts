// Computes the template digests of whatever sections it can claim, until it is ended.
import { workerData } from 'node:worker_threads';
import type { HashName } from '@assay/core/hash';
import { inPlaceHash } from '@assay/linux/digests';
import { Section, type SectionMemory } from './sections.ts';

export interface SectionWork {
  readonly names: readonly HashName[];
  readonly memory: readonly SectionMemory[];
  /** Counts the sections that were given. */
  readonly given: Int32Array<SharedArrayBuffer>;
}

const { names, memory, given } = workerData as SectionWork;
const banks = names.map((name) => ({ name, hash: inPlaceHash(name) }));
const sections = memory.map((part) => new Section(part));

for (;;) {
  const seen = Atomics.load(given, 0);
  const section = sections.find((one) => one.claim());
  if (section === undefined) Atomics.wait(given, 0, seen);
  else section.compute(banks);
}
