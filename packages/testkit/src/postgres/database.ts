import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresAvailable } from './server.ts';

const run = promisify(execFile);

/** An empty database of its own on that server. @returns its URL */
export async function createDatabase(server: string): Promise<string> {
  const available = postgresAvailable();
  if ('missing' in available) throw new Error(`PostgreSQL is missing; install it with: ${available.missing}`);
  const name = `assay_${randomBytes(8).toString('hex')}`;
  await run(join(available.directory, 'psql'), ['-q', '-d', server, '-c', `create database ${name}`]);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
