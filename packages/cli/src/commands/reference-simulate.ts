import { basename } from 'node:path';
import type { MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { Simulator, type Simulation } from '@assay/core/verdict';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { listEntries, withList } from '../list-file.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown, table } from '../output/terminal.ts';
import { compiled, readReference } from '../reference/files.ts';
import { SimulateOptions } from '../reference/options.ts';

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
  return simulation.hosts.every((host) => host.after === 'trusted') ? EXIT.fine : EXIT.no;
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

/** Verdicts, changes, what is not used and which holes are. */
export function simulationText({ hosts, changes, unused, excludes }: Simulation, limit: number): string {
  const rows = hosts.map(({ host, before, after, refused, accepted }) => [
    shown(host),
    before === after ? after : `${before} -> ${after}`,
    refused === 0 ? '' : `${refused} entries refused that were not`,
    accepted === 0 ? '' : `${accepted} accepted that were not`,
  ]);
  const more = changes.length > limit ? [`… and ${changes.length - limit} changes more (-o json has all)`] : [];
  const lines = [
    ...changes
      .slice(0, limit)
      .map(
        ({ path, digest, before, after, hosts: on }) =>
          `${before} -> ${after}  ${shown(path)}  ${digest}  on ${on.length}`,
      ),
    ...more,
    ...unused.map(({ pool, digests, of }) => `not used: ${digests} of ${of} digests of ${shown(pool)}`),
    ...excludes.map(
      ({ pattern, entries, hosts: on }) => `exclude ${shown(pattern)}: ${entries} entries on ${on} hosts`,
    ),
  ];
  return `${table(rows)}${lines.map((line) => `${line}\n`).join('')}`;
}
