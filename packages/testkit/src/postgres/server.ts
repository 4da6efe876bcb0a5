import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PROGRAMS = '/usr/lib/postgresql/*/bin';
const INSTALL = 'apt-get install postgresql';
/** PostgreSQL refuses to run as root. */
const USER = 'postgres';
const START_PATIENCE_MILLISECONDS = 30_000;

/** Where the newest PostgreSQL of this machine has its programs, or the line that installs it. */
export function postgresAvailable(): { readonly directory: string } | { readonly missing: string } {
  const directory = globSync(PROGRAMS).toSorted().at(-1);
  return directory === undefined ? { missing: INSTALL } : { directory };
}

export interface Postgres {
  /** Of the database that always is there; others are made beside it. */
  readonly url: string;
  /** Of its first start. */
  readonly pid: number;
  /** Where its programs are: pg_dump, psql. */
  readonly programs: string;
  /** Ends it as a crash does: its clients are cut off, what was committed stays. */
  halt(): Promise<void>;
  /** Starts it again at the same address. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server of its own in a temporary directory, on a Unix socket there and nowhere else.
 * @param settings as of postgresql.conf, such as `fsync=off`
 */
export async function startPostgres(settings: readonly string[] = []): Promise<Postgres> {
  const available = postgresAvailable();
  if ('missing' in available) throw new Error(`PostgreSQL is missing; install it with: ${available.missing}`);
  const directory = mkdtempSync(join(tmpdir(), 'assay-pg-'));
  const data = join(directory, 'data');
  const program = (name: string): string => join(available.directory, name);
  if (process.getuid?.() === 0) execFileSync('chown', [USER, directory]);
  const initdb = asItsUser([program('initdb'), '-D', data, '-U', USER, '-A', 'trust', '-N', '-E', 'UTF8']);
  execFileSync(initdb.command, initdb.words, { stdio: 'pipe', cwd: directory });
  const options = ['listen_addresses=', `unix_socket_directories=${directory}`, 'max_connections=60', ...settings];
  const server = asItsUser([program('postgres'), '-D', data, ...options.flatMap((option) => ['-c', option])]);
  const begin = (): ChildProcess => spawn(server.command, server.words, { stdio: 'ignore', cwd: directory });
  let child = begin();
  const { pid } = child;
  if (pid === undefined) throw new Error('PostgreSQL cannot be started');
  const stop = async (): Promise<void> => {
    await ended(child, 'SIGINT'); // The "fast shutdown" of PostgreSQL: its clients are cut off, what was committed stays.
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await answering(program('pg_isready'), directory);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `postgres://${USER}@localhost/postgres?host=${encodeURIComponent(directory)}`;
  return {
    url,
    pid,
    programs: available.directory,
    halt: () => ended(child, 'SIGQUIT'),
    resume: async () => {
      child = begin();
      await answering(program('pg_isready'), directory);
    },
    stop,
  };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** setpriv becomes the program, so that signals reach it. */
function asItsUser(words: readonly string[]): { command: string; words: string[] } {
  const change = [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', 'env', `HOME=${tmpdir()}`];
  return process.getuid?.() === 0
    ? { command: 'setpriv', words: [...change, ...words] }
    : { command: 'env', words: [...words] };
}

async function answering(isReady: string, socket: string): Promise<void> {
  const deadline = Date.now() + START_PATIENCE_MILLISECONDS;
  for (;;) {
    try {
      execFileSync(isReady, ['-h', socket, '-q']);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}
