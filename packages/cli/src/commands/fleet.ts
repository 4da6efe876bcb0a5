import { FleetDocument, ROUTES, Verdict } from '@assay/wire';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

/** `assay fleet show`: exits with 0 only when every host is trusted. */
export async function showFleet(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const fleet = await reader(options).call(ROUTES.fleet, FleetDocument);
  if (options.output === 'json') printJson(fleet);
  else process.stdout.write(fleetText(fleet));
  return fleet.verdicts.trusted === fleet.hosts ? EXIT.fine : EXIT.no;
}

function fleetText(fleet: FleetDocument): string {
  return [verdictsText(fleet), watchText(fleet), causesText(fleet), policiesText(fleet)].join('\n');
}

function verdictsText({ hosts, verdicts, withoutReference }: FleetDocument): string {
  if (hosts === 0) return 'No hosts yet. `assay up` enrols this machine; on another one its agent does.\n';
  const colour = colours(1);
  const paint = { ...PLAIN, trusted: colour.green, failed: colour.red, warning: colour.yellow, stale: colour.yellow };
  const counts = Verdict.options.filter((verdict) => verdicts[verdict] > 0);
  const words = counts.map((verdict) => paint[verdict](`${verdicts[verdict]} ${verdict}`)).join(', ');
  const bare = withoutReference === 0 ? '' : `${withoutReference} of them have nothing to be compared with\n`;
  return `${hosts} ${hosts === 1 ? 'host' : 'hosts'}: ${words}\n${bare}`;
}

const asItIs = (text: string): string => text;
const PLAIN: Readonly<Record<Verdict, (text: string) => string>> = {
  trusted: asItIs,
  warning: asItIs,
  failed: asItIs,
  stale: asItIs,
  unverified: asItIs,
  pending: asItIs,
};

function watchText({ verifier }: FleetDocument): string {
  const { version, startedAt, lateSeconds, heartbeatSeconds, staleAfterSeconds } = verifier;
  return [
    `verifier ${version}, started ${ago(startedAt)}, ${lateSeconds.toFixed(1)} s late with its own work\n`,
    `hosts send evidence at least every ${heartbeatSeconds} s; it is stale after ${staleAfterSeconds} s\n`,
  ].join('');
}

function causesText({ causes, causesInAll }: FleetDocument): string {
  if (causes.length === 0) return 'Nothing is open.\n';
  const colour = colours(1);
  const head = ['SEVERITY', 'CODE', 'HOSTS', 'SEEN', 'WHAT'].map((title) => colour.dim(title));
  const rows = causes.map(({ severity, code, hosts, lastSeen, sentence, acknowledged }) => [
    severity === 'failed' ? colour.red(severity) : colour.yellow(severity),
    code,
    String(hosts),
    ago(lastSeen),
    `${acknowledged ? colour.dim('known: ') : ''}${shown(sentence)}`,
  ]);
  const more = causesInAll - causes.length;
  return `${table([head, ...rows])}${more > 0 ? `${more} causes more: assay findings list\n` : ''}`;
}

function policiesText({ policies, captured }: FleetDocument): string {
  const own = captured === 0 ? '' : `${captured} compared with values captured from themselves\n`;
  if (policies.length === 0) return own;
  const head = ['POLICY', 'VERSION', 'IN FORCE', 'BY', 'JUDGED BY IT'].map((title) => colours(1).dim(title));
  const rows = policies.map(({ name, version, since, activatedBy, hosts, judged }) => [
    name,
    String(version),
    ago(since),
    shown(activatedBy),
    `${judged} of ${hosts} hosts`,
  ]);
  return `${table([head, ...rows])}${own}`;
}
