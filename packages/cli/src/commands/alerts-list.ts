import { AlertList, ROUTES, type Alert } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const ListOptions = ConnectOptions.extend({ all: z.boolean().default(false) });

/** What people read; the JSON of a verifier with more says so in `next`. */
const MOST = '1000';

/** `assay alerts list`: exits with 0 when nothing is open, else 1. */
export async function listAlerts(given: unknown): Promise<number> {
  const options = optionsFrom(ListOptions, given);
  const query = { limit: MOST, ...(options.all ? {} : { open: 'true' }) };
  const document = await reader(options).call(ROUTES.alerts, AlertList, { query });
  if (options.output === 'json') printJson(document);
  else process.stdout.write(textOf(document.alerts));
  return document.alerts.every(({ resolvedAt }) => resolvedAt !== null) ? EXIT.fine : EXIT.no;
}

function textOf(alerts: readonly Alert[]): string {
  if (alerts.length === 0) return 'Nothing is open.\n';
  const colour = colours(1);
  const rows = alerts.map(({ id, severity, code, hosts, openedAt, resolvedAt, sentence }) => [
    id,
    resolvedAt === null ? (severity === 'failed' ? colour.red(severity) : colour.yellow(severity)) : 'resolved',
    code,
    `${hosts} ${hosts === 1 ? 'host' : 'hosts'}`,
    ago(resolvedAt ?? openedAt),
    shown(sentence),
  ]);
  return table([['ALERT', 'STATE', 'CODE', 'HOSTS', 'SINCE', 'WHAT'], ...rows]);
}
