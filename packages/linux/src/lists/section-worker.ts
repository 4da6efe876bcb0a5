// Computes what the sections extend that it can claim, until it is ended.
import { workerData } from 'node:worker_threads';
import type { HashName } from '@assay/core/hash';
import { Digester, type ListForm } from '@assay/core/measurement';
import { inPlaceHasher } from '../digests/index.ts';
import { Section, type SectionMemory } from './section.ts';

export interface SectionWork {
  readonly form: ListForm;
  readonly banks: readonly HashName[];
  readonly memory: readonly SectionMemory[];
  /** Counts the sections that were given; below zero (`ENDED`) after all. */
  readonly given: Int32Array<SharedArrayBuffer>;
}

const { form, banks, memory, given }: SectionWork = workerData; // oxlint-disable-line typescript/no-unsafe-assignment -- Of any, by its API.
const digester = new Digester(form, banks, inPlaceHasher);
const sections = memory.map((part) => new Section(part, banks));

for (let seen = Atomics.load(given, 0); seen >= 0; seen = Atomics.load(given, 0)) {
  const section = sections.find((one) => one.claim());
  if (section === undefined) Atomics.wait(given, 0, seen);
  else section.compute(digester);
}
