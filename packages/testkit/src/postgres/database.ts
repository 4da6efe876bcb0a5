import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresAvailable } from './server.ts';

const run = promisify(execFile);

/**
 * A database of its own on that server.
 * @param template URL of one that it is a copy of, and that nobody uses meanwhile; without it it is empty
 * @returns its URL
 */
export async function createDatabase(server: string, template?: string): Promise<string> {
  const available = postgresAvailable();
  if ('missing' in available) throw new Error(`PostgreSQL is missing; install it with: ${available.missing}`);
  const copied = template === undefined ? '' : ` template ${new URL(template).pathname.slice(1)}`;
  const name = `assay_${randomBytes(8).toString('hex')}`;
  await run(join(available.directory, 'psql'), ['-q', '-d', server, '-c', `create database ${name}${copied}`]);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
