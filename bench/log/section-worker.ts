// Computes the template digests of the sections it is given, in turn, until it is ended.
import { workerData } from 'node:worker_threads';
import type { HashName } from '@assay/core/hash';
import { inPlaceHash } from '@assay/linux/digests';
import { extendValues } from './replay.ts';
import { Section, type SectionMemory } from './sections.ts';

const { names, memory } = workerData as { names: HashName[]; memory: SectionMemory[] };
const banks = names.map((name) => ({ name, hash: inPlaceHash(name) }));
const sections = memory.map((part) => new Section(part));

for (;;) for (const section of sections) work(section);

function work(section: Section): void {
  const length = section.receive();
  try {
    section.finish(extendValues(section.list, length, banks, section.values).entries);
  } catch (error) {
    section.fail();
    throw error;
  }
}
