import { CaptureReply, HostDocument, HostList, route, ROUTES, type ApiClient, type CaptureRequest } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { programsUnder } from '../trees.ts';

const CaptureOptions = ConnectOptions.extend({
  host: z.string().optional(),
  tree: z.array(z.string()).default([]),
  note: z.string().max(500, 'is longer than 500 characters').optional(),
});
type CaptureOptions = z.infer<typeof CaptureOptions>;

/** `assay reference capture`: what the host has measured in this boot becomes its reference values. */
export async function captureReferences(given: unknown): Promise<number> {
  const options = optionsFrom(CaptureOptions, given);
  const client = await operator(options);
  const host = options.host ?? (await onlyHost(client));
  const body: CaptureRequest = {
    ...(options.note === undefined ? {} : { note: options.note }),
    add: await added(options),
  };
  await settled(client, host);
  const reply = await client.call(route(ROUTES.captures, host), CaptureReply, { body });
  if (options.output === 'json') printJson(reply);
  else process.stdout.write(summary(reply));
  return EXIT.fine;
}

async function onlyHost(client: ApiClient): Promise<string> {
  const { hosts } = await client.call(ROUTES.hosts, HostList);
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return only.name;
  const names = hosts.map(({ name }) => name).join(', ');
  throw new UsageError(
    only === undefined ? 'the verifier has no host yet' : `name one of the hosts with --host: ${names}`,
  );
}

async function added({ tree }: CaptureOptions): Promise<NonNullable<CaptureRequest['add']>> {
  if (tree.length === 0) return [];
  const { programs, unreadable } = await programsUnder(tree, (count) => progress(`${count} programs read`));
  progress('');
  for (const { path, reason } of unreadable) process.stderr.write(`warning: ${path} is left out: ${reason}\n`);
  return programs;
}

/** One line that is written over; only on a terminal. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

const QUIET_MILLISECONDS = 1000;
const PATIENCE_MILLISECONDS = 8000;

/** The programs that started this command are measured a moment after they started: the list may still be growing. */
async function settled(client: ApiClient, host: string): Promise<void> {
  const end = Date.now() + PATIENCE_MILLISECONDS;
  let entries = -1;
  for (;;) {
    const { host: now } = await client.call(route(ROUTES.host, host), HostDocument);
    if (now.list.entries === entries || Date.now() > end) return;
    entries = now.list.entries;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MILLISECONDS));
  }
}

function summary({ host, version, digests }: CaptureReply): string {
  return `${host.name}: reference values version ${version} with ${digests} digests are active.\n${host.verdict}: ${shown(host.sentence)}\n`;
}
