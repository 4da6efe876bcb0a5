import type { SimulatedHost, Simulation } from '@assay/core/verdict';
import type { PolicySimulation } from '@assay/wire';
import { shown, table } from '../output/terminal.ts';

/** Paths of one cause that are named. */
const PATHS = 3;

/** Verdicts, causes, changes, what is not used and which holes are. @param limit changes that are named */
export function simulationText(simulation: Simulation | PolicySimulation, limit: number): string {
  const { hosts, earlier, changes, changesInAll, unused, unusedFiles, excludes } = simulation;
  const boots = earlier.filter(({ refused, accepted }) => refused + accepted > 0);
  const rows = [...hosts.map((host) => rowOf(host, '')), ...boots.map((boot) => rowOf(boot, ' (earlier boot)'))];
  const shownChanges = Math.min(changes.length, limit);
  const lines = [
    ...restOf('hosts', simulation.hostsInAll - hosts.length),
    ...restOf('earlier boots', simulation.earlierInAll - earlier.length),
    ...simulation.causes.map(causeText),
    ...restOf('causes', simulation.causesInAll - simulation.causes.length),
    ...changes
      .slice(0, limit)
      .map(
        ({ path, digest, before, after, hostsInAll }) =>
          `${before} -> ${after}  ${shown(path)}  ${digest}  on ${hostsInAll}`,
      ),
    ...restOf('changes', changesInAll - shownChanges, changes.length - shownChanges),
    ...unused.map(({ pool, digests, of }) => `not used: ${digests} of ${of} digests of ${shown(pool)}`),
    ...(unusedFiles.paths === 0 ? [] : [`not used: ${unusedFiles.paths} of ${unusedFiles.of} rules for paths`]),
    ...excludes.map(
      ({ pattern, entries, hosts: on }) => `exclude ${shown(pattern)}: ${entries} entries on ${on} hosts`,
    ),
  ];
  return `${table(rows)}${lines.map((line) => `${line}\n`).join('')}`;
}

/** @param rest of what is not named here, `inJson` so many of them stand there */
function restOf(what: string, rest: number, inJson = 0): string[] {
  if (rest <= 0) return [];
  const there = inJson === 0 ? '' : inJson === rest ? ' (-o json has all)' : ` (-o json has ${inJson} of them)`;
  return [`… and ${rest} ${what} more${there}`];
}

function rowOf({ host, before, after, refused, accepted }: SimulatedHost, what: string): string[] {
  const counts = [
    refused === 0 ? [] : [`${refused} entries refused that were not`],
    accepted === 0 ? [] : [`${accepted} accepted that were not`],
  ];
  return [`${shown(host)}${what}`, before === after ? after : `${before} -> ${after}`, ...counts.flat()];
}

function causeText({ effect, cause, entries, paths, hostsInAll }: Simulation['causes'][number]): string {
  const some = paths.slice(0, PATHS).map(shown).join(', ');
  const more = entries > PATHS ? ', …' : '';
  return `${effect}: ${shown(cause)} ${entries} on ${hostsInAll} hosts: ${some}${more}`;
}
