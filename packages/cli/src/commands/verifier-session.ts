import { route, ROUTES, SessionEnded, SessionList } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const NOBODY = 'Nobody is signed in.\n';

/** `assay verifier session list` */
export async function listSessions(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const list = await (await operator(options)).call(ROUTES.sessions, SessionList);
  if (options.output === 'json') printJson(list);
  else process.stdout.write(list.sessions.length === 0 ? NOBODY : sessionTable(list));
  return EXIT.fine;
}

function sessionTable({ sessions }: SessionList): string {
  const colour = colours(1);
  const head = ['ID', 'NAME', 'ROLE', 'SINCE', 'UNTIL'].map((title) => colour.dim(title));
  const rows = sessions.map(({ id, name, role, startedAt, expiresAt }) => [
    shown(id),
    shown(name),
    role,
    ago(startedAt),
    shown(expiresAt),
  ]);
  return table([head, ...rows]);
}

/** `assay verifier session end ID` */
export async function endSession(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const name = z.string().parse(id);
  if (!/^[0-9a-f]{24}$/.test(name)) {
    throw new UsageError('an id is 24 hexadecimal digits: see `assay verifier session list`');
  }
  const ended = await (await operator(options)).call(route(ROUTES.sessionEnd, name), SessionEnded, { body: {} });
  if (options.output === 'json') printJson(ended);
  else process.stdout.write(`session ${shown(name)} has ended\n`);
  return EXIT.fine;
}
