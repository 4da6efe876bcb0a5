import { basename } from 'node:path';
import type { MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { Simulator } from '@assay/core/verdict';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { listEntries, withList } from '../list-file.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { compiled, readReference } from '../reference/files.ts';
import { SimulateOptions } from '../reference/options.ts';
import { simulationText } from '../reference/simulation-text.ts';

/** `assay reference simulate CANDIDATE --list FILE...` */
export async function simulateReference(candidate: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SimulateOptions, given);
  const after = compiled((await readReference(z.string().parse(candidate))).reference.document);
  const before =
    options.inForce === undefined ? null : compiled((await readReference(options.inForce)).reference.document);
  const simulator = new Simulator({ before, after, at: new Date(), hasher: nodeHasher });
  for (const word of options.list) {
    const { host, path } = namedList(word);
    simulator.add({ host, entries: await entriesOf(path) });
  }
  const simulation = simulator.result();
  if (options.output === 'json') printJson({ schema: 'assay.reference-simulate.v1', ...simulation });
  else process.stdout.write(simulationText(simulation, options.limit));
  return simulation.turns.every((turn) => turn.after === 'trusted') ? EXIT.fine : EXIT.no;
}

function namedList(word: string): { host: string; path: string } {
  const [, host, path] = /^([A-Za-z0-9._-]+)=(.+)$/.exec(word) ?? [];
  return host === undefined || path === undefined ? { host: basename(word), path: word } : { host, path };
}

async function entriesOf(path: string): Promise<MeasurementEntry[]> {
  return withList(path, {}, async (list) => {
    const entries: MeasurementEntry[] = [];
    for await (const some of listEntries(list)) entries.push(...some);
    return entries;
  });
}
