import { toHex } from '@assay/core/bytes';
import { CompiledQuery } from 'kysely';
import { among, EachRow } from './bulk.ts';
import { isPostgres, locked } from './locks.ts';
import type { Database, RoundRow } from './schema.ts';

const COLUMNS = [
  'host',
  'challenges',
  'refused',
  'evidence_at',
  'reset_count',
  'restart_count',
  'clock',
  'firmware',
  'entries',
  'bytes',
  'pcrs',
  'proof',
  'boot_log',
] as const satisfies readonly (keyof RoundRow)[];

const NAMES = COLUMNS.join(', ');
const CHANGES = COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ');

/** Each of one shape, whatever the number of rounds: to put a statement together for many takes longer than to run it. */
const SAVE_IN_SQLITE = `
  insert into rounds (${NAMES}) values (${COLUMNS.map(() => '?').join(', ')})
  on conflict (host) do update set ${CHANGES}`;
const SAVE_IN_POSTGRES = `
  insert into rounds (${NAMES}) select ${NAMES} from json_populate_recordset(null::rounds, $1)
  on conflict (host) do update set ${CHANGES}`;

/** A host whose next evidence is its first. */
export function firstRound(host: string): RoundRow {
  return {
    host,
    challenges: '[]',
    refused: 0,
    evidence_at: null,
    reset_count: null,
    restart_count: null,
    clock: null,
    firmware: null,
    entries: null,
    bytes: null,
    pcrs: null,
    proof: null,
    boot_log: 0,
  };
}

export async function roundsOf(db: Database, hosts: readonly string[]): Promise<RoundRow[]> {
  return hosts.length === 0
    ? []
    : db
        .selectFrom('rounds')
        .selectAll()
        .where(among(db, 'host', hosts))
        .execute();
}

/** In the order of the hosts, whatever order they are asked in; nobody else changes them before this transaction ends. */
export async function lockRounds(db: Database, hosts: readonly string[]): Promise<RoundRow[]> {
  if (hosts.length === 0) return [];
  return locked(
    db,
    db
      .selectFrom('rounds')
      .selectAll()
      .where(among(db, 'host', hosts))
      .orderBy('host'),
  ).execute();
}

export async function saveRounds(db: Database, rows: readonly RoundRow[]): Promise<void> {
  if (rows.length === 0) return;
  const save = isPostgres(db)
    ? CompiledQuery.raw(SAVE_IN_POSTGRES, [JSON.stringify(rows.map(rowOfPostgres))])
    : CompiledQuery.raw(SAVE_IN_SQLITE, [new EachRow(rows.map((row) => COLUMNS.map((name) => row[name])))]);
  await db.executeQuery(save);
}

/** Bytes as PostgreSQL reads them in text. */
function rowOfPostgres(row: RoundRow): unknown {
  return { ...row, pcrs: row.pcrs === null ? null : `\\x${toHex(row.pcrs)}` };
}
