import { labelWords, LabelsReply, LabelsRequest, route, ROUTES } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';

/** `assay hosts label HOST CHANGE…` */
export async function labelHost(host: unknown, changes: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.labels, z.string().parse(host));
  const body = requestFor(z.array(z.string()).parse(changes));
  const reply = await (await operator(options)).call(path, LabelsReply, { body });
  if (options.output === 'json') printJson(reply);
  else process.stdout.write(`${reply.host}  ${labelWords(reply.labels).join(' ') || 'no labels'}\n`);
  return EXIT.fine;
}

function requestFor(changes: readonly string[]): LabelsRequest {
  const pairs = changes.map(changeFrom);
  const names = pairs.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`${twice} is changed twice`);
  const { success, data, error } = LabelsRequest.safeParse({ labels: Object.fromEntries(pairs) });
  if (success) return data;
  const wrong = error.issues[0]?.path[1];
  throw new UsageError(
    wrong === undefined
      ? 'too many labels at once'
      : `${String(wrong)} cannot be a label: a name has small letters, digits and . _ - /, a value letters, digits and . _ -, each at most 63`,
  );
}

function changeFrom(change: string): [string, string | null] {
  const equals = change.indexOf('=');
  if (equals > 0) return [change.slice(0, equals), change.slice(equals + 1)];
  if (equals < 0 && change.length > 1 && change.endsWith('-')) return [change.slice(0, -1), null];
  throw new UsageError(`${change} changes no label: role=web sets one, role- takes it away`);
}
