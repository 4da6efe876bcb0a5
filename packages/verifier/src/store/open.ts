import { DatabaseSync } from 'node:sqlite';
import { SystemError } from '@assay/core/errors';
import { Kysely, SqliteDialect } from 'kysely';
import { MIGRATIONS } from './migrations.ts';
import type { Database, Schema } from './schema.ts';
import { sqliteForKysely } from './sqlite.ts';

/** How long a writer of another process may hold the file before we give up, in milliseconds. */
const BUSY_TIMEOUT = 5000;

/**
 * Opens the store, and brings an older one to this version.
 * @param file path of the database, or `:memory:`
 * @throws SystemError DATABASE-NEWER, DATABASE-UNUSABLE
 */
export function openStore(file: string): Database {
  const database = openFile(file);
  try {
    const version = schemaVersion(database, file);
    prepare(database);
    migrate(database, version);
  } catch (error) {
    database.close();
    if (error instanceof SystemError) throw error;
    throw unusable(file, error);
  }
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: sqliteForKysely(database) }) });
}

function openFile(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
  } catch (error) {
    throw unusable(file, error);
  }
}

function prepare(database: DatabaseSync): void {
  // FULL: a verdict that was acknowledged survives a power cut (in WAL mode NORMAL may lose the last commits).
  database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
}

function migrate(database: DatabaseSync, version: number): void {
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`begin immediate; ${step}; update schema_version set version = ${index + 1}; commit`);
  }
}

/** Changes nothing in a database that is not this verifier's. */
function schemaVersion(database: DatabaseSync, file: string): number {
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  if (tables.length === 0) {
    database.exec(`begin immediate;
      create table schema_version (version integer not null) strict;
      insert into schema_version values (0);
      commit`);
    return 0;
  }
  if (!tables.some((table) => table['name'] === 'schema_version')) {
    throw new SystemError('DATABASE-UNUSABLE', `${file} is a database of another program`);
  }
  const version = database.prepare('select version from schema_version').get()?.['version'];
  if (typeof version !== 'number')
    throw new SystemError('DATABASE-UNUSABLE', `${file} does not say its schema version`);
  if (version > MIGRATIONS.length) {
    throw new SystemError(
      'DATABASE-NEWER',
      `${file} has schema version ${version}; this verifier knows versions up to ${MIGRATIONS.length}`,
    );
  }
  return version;
}

function unusable(file: string, cause: unknown): SystemError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SystemError('DATABASE-UNUSABLE', `${file} cannot be used as the store: ${reason}`, { cause });
}
