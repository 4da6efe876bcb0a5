import type { Simulation } from '@assay/core/verdict';
import type { PolicySimulation } from '@assay/wire';
import { shown, table } from '../output/terminal.ts';

/** Verdicts, changes, what is not used and which holes are. */
export function simulationText(
  { hosts, changes, unused, excludes }: Simulation | PolicySimulation,
  limit: number,
): string {
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
