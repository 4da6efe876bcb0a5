import { FleetMeasurementList, ROUTES, type FleetMeasurement } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';
import { Whole } from '../reference/options.ts';

const ListOptions = ConnectOptions.extend({
  text: z.string().max(200, 'takes at most 200 characters').optional(),
  order: z.enum(['rare', 'common']),
  mostHosts: Whole.optional(),
  limit: Whole,
});

/** The most that the verifier gives in one page. */
const PAGE = 1000;

/** `assay digest list`: what runs in the fleet. */
export async function listDigests(given: unknown): Promise<number> {
  const options = optionsFrom(ListOptions, given);
  const list = await measured(options);
  if (options.output === 'json') printJson(list);
  else process.stdout.write(textOf(list));
  return EXIT.fine;
}

/** A page that was searched may be empty although others follow. */
async function measured({ limit, text, order, mostHosts, ...options }: z.infer<typeof ListOptions>) {
  const client = reader(options);
  const found: FleetMeasurement[] = [];
  let cursor: { cursor?: string } = {};
  for (;;) {
    const query = {
      order,
      limit: String(Math.min(PAGE, limit - found.length)),
      ...(text === undefined ? {} : { text }),
      ...(mostHosts === undefined ? {} : { mostHosts: String(mostHosts) }),
      ...cursor,
    };
    const page = await client.call(ROUTES.fleetMeasurements, FleetMeasurementList, { query });
    found.push(...page.measurements);
    if (page.next === null || found.length >= limit) return { ...page, measurements: found };
    cursor = { cursor: page.next };
  }
}

function textOf({ counted, measurements, next }: FleetMeasurementList): string {
  const all = `${counted.entries} different entries in the present boots of ${counted.hosts} hosts\n`;
  if (measurements.length === 0)
    return counted.entries === 0 ? 'Nothing is measured yet.\n' : `None is like that: ${all}`;
  const colour = colours(1);
  const head = ['HOSTS', 'FINDINGS', 'FIRST', 'DIGEST', 'PATH', 'ON'].map((title) => colour.dim(title));
  const more = next === null ? '' : 'There are more: --limit.\n';
  return `${table([head, ...measurements.map(rowOf)])}${more}${all}`;
}

function rowOf({ hosts, findings, firstSeen, digest, path, hostNames }: FleetMeasurement): string[] {
  const open = findings === 0 ? 'none' : colours(1).red(String(findings));
  const names = hostNames.length < hosts ? [...hostNames, '…'] : hostNames;
  return [String(hosts), open, ago(firstSeen), digest, shown(path), shown(names.join(', '))];
}
