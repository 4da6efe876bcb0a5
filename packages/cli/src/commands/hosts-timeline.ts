import { HostTimeline, route, ROUTES } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';
import { Whole } from '../reference/options.ts';

const TimelineOptions = ConnectOptions.extend({ limit: Whole });

/** `assay hosts timeline HOST` */
export async function showTimeline(host: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(TimelineOptions, given);
  const path = route(ROUTES.timeline, z.string().parse(host));
  const timeline = await reader(options).call(path, HostTimeline);
  if (options.output === 'json') printJson(timeline);
  else process.stdout.write(timelineText(timeline, options.limit));
  return EXIT.fine;
}

function timelineText(timeline: HostTimeline, limit: number): string {
  const colour = colours(1);
  const rows = happenings(timeline).toSorted(([a = ''], [b = '']) => b.localeCompare(a));
  const head = ['TIME', 'AGO', 'WHAT', 'DETAIL'].map((title) => colour.dim(title));
  const cells = rows.slice(0, limit).map(([at = '', what = '', detail = '']) => [at, ago(at), what, shown(detail)]);
  const more = rows.length - limit;
  return `${table([head, ...cells])}${more > 0 ? `${more} happenings more: --limit, or -o json\n` : ''}`;
}

/** Time, what it was, and what is known of it; what came of something stands before it. */
function happenings({ verdicts, findings, captures, policy, arrivals, boots, enrolledAt }: HostTimeline): string[][] {
  return [
    ...verdicts.map(({ at, verdict, sentence }) => [at, verdict, sentence]),
    ...findings.flatMap(({ id, code, sentence, from, until }) => [
      [from, `${id} opened`, `${code}: ${sentence}`],
      ...(until === null ? [] : [[until, `${id} closed`, `${code}: ${sentence}`]]),
    ]),
    ...captures.map(({ at, version, digests, note }) => [
      at,
      `captured ${version}`,
      `${digests} digests ${note ?? ''}`,
    ]),
    ...(policy === null
      ? []
      : [[policy.since, `${policy.name}@${policy.version}`, `activated by ${policy.activatedBy}`]]),
    ...arrivals.map(({ at, boot, first, count }) => [at, 'measured', `${count} from entry ${first} of boot ${boot}`]),
    ...boots.map(({ id, since, resetCount, restartCount }) => [
      since,
      `boot ${id}`,
      `reset ${resetCount}, restart ${restartCount}`,
    ]),
    [enrolledAt, 'enrolled', ''],
  ];
}
