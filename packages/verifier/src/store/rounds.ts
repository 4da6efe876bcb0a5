import type { Database, RoundRow } from './schema.ts';
import { locked } from './locks.ts';

/** Columns of an update that take over what was to be inserted. */
const CHANGING = [
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
] as const satisfies readonly (keyof RoundRow)[];

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
  };
}

export async function roundsOf(db: Database, hosts: readonly string[]): Promise<RoundRow[]> {
  return hosts.length === 0 ? [] : db.selectFrom('rounds').selectAll().where('host', 'in', hosts).execute();
}

/** In the order of the hosts, whatever order they are asked in; nobody else changes them before this transaction ends. */
export async function lockRounds(db: Database, hosts: readonly string[]): Promise<RoundRow[]> {
  if (hosts.length === 0) return [];
  return locked(db, db.selectFrom('rounds').selectAll().where('host', 'in', hosts).orderBy('host')).execute();
}

export async function saveRounds(db: Database, rows: readonly RoundRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db
    .insertInto('rounds')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('host').doUpdateSet(({ ref }) => {
        return Object.fromEntries(CHANGING.map((name) => [name, ref(`excluded.${name}`)]));
      }),
    )
    .execute();
}
