import { HostBoot, route, ROUTES, type BootEvent, type BootPcr } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const BootOptions = ConnectOptions.extend({
  boot: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'takes the number of a boot')
    .optional(),
  events: z.boolean().default(false),
});

/** `assay hosts boot HOST`: exits with 0 only where the log of the boot is proved. */
export async function showBoot(host: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(BootOptions, given);
  const path = route(ROUTES.boot, z.string().parse(host));
  const query = options.boot === undefined ? {} : { query: { boot: options.boot } };
  const document = await reader(options).call(path, HostBoot, query);
  if (options.output === 'json') printJson(document);
  else process.stdout.write(bootText(document, options.events));
  return document.log.state === 'proved' ? EXIT.fine : EXIT.no;
}

function bootText(document: HostBoot, withEvents: boolean): string {
  const { host, boot, log, pcrs, events, eventsTotal } = document;
  const head =
    boot === null
      ? `${host.name}  no evidence yet\n`
      : `${host.name}  boot ${boot.id}, first seen ${ago(boot.since)}, reset ${boot.resetCount}, restart ${boot.restartCount}\n`;
  return [
    head,
    `${stateText(log.state)} ${shown(log.sentence)}\n\n`,
    table(meaningRows(document)),
    table(pcrs.map(pcrRow)),
    ...(withEvents ? [table(events.map(eventRow))] : []),
    ...(withEvents && eventsTotal > events.length ? [`  ${eventsTotal - events.length} events more\n`] : []),
  ].join('');
}

function stateText(state: HostBoot['log']['state']): string {
  const colour = colours(1);
  const paint = { proved: colour.green, refused: colour.red, missing: colour.yellow, 'not-sent': colour.yellow };
  return paint[state](state);
}

function meaningRows({ secureBoot, commandLine, bootAggregate }: HostBoot): string[][] {
  const rows: string[][] = [];
  if (secureBoot !== null) {
    const why = secureBoot.reasons.length === 0 ? '' : `: ${secureBoot.reasons.join('; ')}`;
    rows.push(['  Secure Boot', shown(`${secureBoot.state}${why}`)]);
    for (const note of secureBoot.notes) rows.push(['', shown(note)]);
    if (secureBoot.authorities.length > 0) rows.push(['  vouched for by', shown(secureBoot.authorities.join(', '))]);
  }
  if (commandLine?.state === 'measured') rows.push(['  command line', shown(commandLine.text)]);
  if (commandLine?.state === 'unknown') rows.push(['  command line', shown(`unknown, since ${commandLine.reason}`)]);
  if (bootAggregate !== null) rows.push(['  boot_aggregate', aggregateText(bootAggregate)]);
  return rows;
}

function aggregateText({ digest, agrees, lastPcr }: NonNullable<HostBoot['bootAggregate']>): string {
  return agrees ? `is that of PCR 0 to ${lastPcr} of the log` : `${digest} is not that of the log`;
}

const PCR_STATES: Readonly<Record<BootPcr['state'], string>> = {
  agrees: 'the log leads to it',
  differs: 'THE LOG LEADS ELSEWHERE',
  'extended-later': 'extended again after the boot',
  'not-logged': 'not in the log',
  'no-log': '',
};

function pcrRow({ pcr, value, events, state, quirk }: BootPcr): string[] {
  const how = quirk === null ? PCR_STATES[state] : `${PCR_STATES[state]} (${quirk})`;
  return [`  PCR ${pcr}`, value ?? '', events === 0 ? '' : `${events} events`, how];
}

const COVERS: Readonly<Record<BootEvent['covers'], string>> = {
  all: 'the data',
  part: 'a part',
  nothing: 'something else',
  unmeasured: '-',
  contradicted: 'OTHER DATA',
};

function eventRow({ event, pcr, type, proved, covers, text }: BootEvent): string[] {
  const { dim } = colours(1);
  return [String(event), String(pcr), shown(type), proved ? COVERS[covers] : dim('not proved'), shown(text)];
}
