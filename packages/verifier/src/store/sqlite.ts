import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SystemError } from '@assay/core/errors';
import { Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import { unusable } from './address.ts';
import { missingSteps } from './applied.ts';
import { EachRow } from './bulk.ts';
import { EntryBatch, INTERN_ENTRIES, internEntries } from './intern.ts';
import { MIGRATION_FUNCTIONS } from './migrations/functions.ts';
import { SQLITE_WORDS } from './migrations/migration.ts';
import type { Database, Schema } from './schema.ts';

/** How long a writer of another process may hold the file before we give up, in milliseconds. */
const BUSY_TIMEOUT = 5000;
/** Statements that stay prepared; those of batches have as many shapes as batches have lengths. */
const PREPARED_LIMIT = 256;
/** In KiB, as SQLite wants it: negative. */
const PAGE_CACHE = -65_536;
/** Of 4 KiB in the write-ahead log before they are moved: a page that many rounds write is moved once. */
const LOG_PAGES = 8192;

/** @throws SystemError DATABASE-NEWER, DATABASE-UNUSABLE */
export function openSqlite(file: string): Database {
  const database = openFile(file);
  try {
    const applied = appliedSteps(database, file);
    prepare(database);
    migrate(database, file, applied);
  } catch (error) {
    database.close();
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
  database.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = ${PAGE_CACHE}`);
  database.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`);
}

function migrate(database: DatabaseSync, file: string, before: readonly string[] | null): void {
  for (const [name, run] of Object.entries(MIGRATION_FUNCTIONS)) database.function(name, { deterministic: true }, run);
  // Tables that refer to one another are rebuilt; what is there keeps its references.
  database.exec('pragma foreign_keys = off; begin immediate');
  if (before === null) database.exec('create table if not exists schema_steps (name text primary key) strict');
  const applied = appliedSteps(database, file) ?? [];
  if (database.prepare("select 1 from sqlite_schema where name = 'schema_version'").get() !== undefined) {
    database.exec('create table schema_steps (name text primary key) strict; drop table schema_version');
    for (const name of applied) database.prepare('insert into schema_steps values (?)').run(name);
  }
  for (const step of missingSteps(file, applied)) {
    database.exec(step.statements(SQLITE_WORDS));
    database.prepare('insert into schema_steps values (?)').run(step.name);
  }
  database.exec('commit; pragma foreign_keys = on');
}

/**
 * The names of the steps that the file has, or null where it is empty. Changes nothing in a database that is not this
 * verifier's.
 */
function appliedSteps(database: DatabaseSync, file: string): string[] | null {
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  if (tables.length === 0) return null;
  if (tables.some((table) => table['name'] === 'schema_steps')) {
    const names = database.prepare('select name from schema_steps').all();
    const applied = names.map((row) => String(row['name']));
    missingSteps(file, applied);
    return applied;
  }
  if (!tables.some((table) => table['name'] === 'schema_version')) {
    throw new SystemError('DATABASE-UNUSABLE', `${file} is a database of another program`);
  }
  return stepsOfVersion(database.prepare('select version from schema_version').get()?.['version'], file);
}

/** What the first verifiers numbered has names now. */
const NUMBERED = ['fleet', 'firmware'];

function stepsOfVersion(version: unknown, file: string): string[] {
  if (typeof version !== 'number')
    throw new SystemError('DATABASE-UNUSABLE', `${file} does not say its schema version`);
  if (version > NUMBERED.length) {
    throw new SystemError('DATABASE-NEWER', `${file} has schema version ${version}, which this verifier does not know`);
  }
  return NUMBERED.slice(0, version);
}

/** What kysely's SQLite dialect asks of a database, answered by `node:sqlite`. */
function sqliteForKysely(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const statement = sql === INTERN_ENTRIES ? internStatement(database) : statementForKysely(database.prepare(sql));
      if (prepared.size >= PREPARED_LIMIT) prepared.clear();
      prepared.set(sql, statement);
      return statement;
    },
  };
}

function statementForKysely(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(bindable)),
    run: (parameters) => {
      const [each] = parameters;
      return each instanceof EachRow ? runEach(statement, each) : statement.run(...parameters.map(bindable));
    },
    iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
  };
}

function runEach(statement: StatementSync, { rows }: EachRow): ReturnType<SqliteStatement['run']> {
  let changes = 0;
  for (const row of rows) changes += Number(statement.run(...row.map(bindable)).changes);
  return { changes, lastInsertRowid: 0 };
}

function internStatement(database: DatabaseSync): SqliteStatement {
  const intern = internEntries(database);
  const all = ([batch]: readonly unknown[]): number[] => {
    if (!(batch instanceof EntryBatch)) throw new TypeError('no entries to be stored');
    return intern(batch.entries);
  };
  return {
    reader: true,
    all,
    run: (parameters) => ({ changes: all(parameters).length, lastInsertRowid: 0 }),
    iterate: (parameters) => all(parameters).values(),
  };
}

function bindable(value: unknown): SQLInputValue {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  throw new TypeError(`a ${typeof value} cannot be stored`);
}
