import {
  Kysely,
  PostgresDialect,
  type PostgresCursor,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from 'kysely';
import pg from 'pg';
import { shownAddress, unusable } from './address.ts';
import { missingSteps } from './applied.ts';
import { copyRows, EntryCopy } from './copy.ts';
import { LOCKS } from './locks.ts';
import { POSTGRES_WORDS } from './migrations/migration.ts';
import type { Database, Schema } from './schema.ts';
import { asStoreError, StoreUnavailable } from './unavailable.ts';

const CONNECTIONS = 8;
const CONNECT_TIMEOUT_MILLISECONDS = 5000;
/** A round that waits this long for another verifier's round of the same host is tried again by its agent. */
const LOCK_TIMEOUT_MILLISECONDS = 10_000;

const BYTEA = 17;
const INT8 = 20;

/** Whole numbers, and bytes of their own, as the rest of the verifier knows them. */
const TYPES = new pg.TypeOverrides();
TYPES.setTypeParser(INT8, wholeNumber);
TYPES.setTypeParser(BYTEA, (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')));

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is over 2^53`);
  return value;
}

/** @throws SystemError DATABASE-NEWER, DATABASE-UNUSABLE */
export async function openPostgres(url: string, log: (line: string) => void): Promise<Database> {
  const pool = new pg.Pool({ ...connectionOptions(url), max: CONNECTIONS });
  // A connection that breaks while nobody uses it: the pool makes another.
  pool.on('error', (error) => log(`connection to the store: ${error.message}`));
  try {
    await migrate(pool, shownAddress(url));
  } catch (error) {
    await pool.end();
    throw unusable(shownAddress(url), error);
  }
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(pool) }) });
}

/** Connections that copy rows, too. */
function poolForKysely(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    connect: async () => clientForKysely(await connected(pool)),
    end: () => pool.end(),
  };
}

async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new StoreUnavailable(error);
  }
}

function clientForKysely(client: pg.PoolClient): PostgresPoolClient {
  const plain: PostgresPoolClient = client;
  function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  function query<R>(
    what: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof what !== 'string') return plain.query(what);
    const [rows] = parameters;
    const answer = rows instanceof EntryCopy ? copied<R>(client, rows) : plain.query<R>(what, parameters);
    return answer.catch((error: unknown) => {
      throw asStoreError(error);
    });
  }
  return { query, release: (destroy) => client.release(destroy) };
}

async function copied<R>(client: pg.PoolClient, rows: EntryCopy): Promise<PostgresQueryResult<R>> {
  await copyRows(client, rows);
  return { command: 'SELECT', rowCount: 0, rows: [] };
}

export function connectionOptions(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
    lock_timeout: LOCK_TIMEOUT_MILLISECONDS,
    application_name: 'assay verifier',
    types: TYPES,
  };
}

async function migrate(pool: pg.Pool, store: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [LOCKS.migration]);
    await client.query('create table if not exists schema_steps (name text primary key)');
    const { rows } = await client.query<{ name: string }>('select name from schema_steps');
    const applied = rows.map(({ name }) => name);
    for (const step of missingSteps(store, applied)) {
      await client.query(step.statements(POSTGRES_WORDS));
      await client.query('insert into schema_steps values ($1)', [step.name]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
