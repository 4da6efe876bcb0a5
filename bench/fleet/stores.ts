import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, postgresAvailable, startPostgres } from '@assay/testkit/postgres';

/**
 * Measures on empty stores, one after the other.
 * @param asked `sqlite,postgres`, or one of them
 */
export async function onStores(
  asked: string,
  measure: (name: 'SQLite' | 'PostgreSQL', address: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  try {
    if (asked.includes('sqlite')) await measure('SQLite', `sqlite:${join(directory, 'verifier.sqlite')}`);
    if (asked.includes('postgres')) await onPostgres((address) => measure('PostgreSQL', address));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function onPostgres(measure: (address: string) => Promise<void>): Promise<void> {
  const postgres = postgresAvailable();
  if ('missing' in postgres) {
    console.log(`\nPostgreSQL is missing: ${postgres.missing}`);
    return;
  }
  const server = await startPostgres();
  try {
    await measure(await createDatabase(server.url));
  } finally {
    await server.stop();
  }
}
