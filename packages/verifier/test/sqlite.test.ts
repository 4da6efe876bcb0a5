import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { SystemError, type SystemCode } from '@assay/core/errors';
import { SimulatedList } from '@assay/testkit/evidence';
import { sql } from 'kysely';
import { openStore } from '../src/store/open.ts';
import { MIGRATIONS } from '../src/store/migrations/index.ts';
import { SQLITE_WORDS } from '../src/store/migrations/migration.ts';
import { insertHost } from '../src/store/hosts.ts';
import type { Database, HostRow } from '../src/store/schema.ts';
import { keptOf } from '../src/hosts/kept.ts';
import { listOf } from '../src/store/lists.ts';
import { lockRounds } from '../src/store/rounds.ts';
import { hostRow, NOW } from './rows.ts';
import { databaseFile } from './service.ts';

async function opened(t: TestContext): Promise<{ database: Database; file: string }> {
  const file = databaseFile(t);
  const database = await openStore(`sqlite:${file}`);
  t.after(() => database.destroy());
  return { database, file };
}

async function rejectsSystem(file: string, code: SystemCode, message: RegExp): Promise<void> {
  const opening = openStore(`sqlite:${file}`);
  await assert.rejects(
    opening,
    (error) => error instanceof SystemError && error.code === code && message.test(error.message),
  );
}

test('a file is kept with a write-ahead log, which readers do not wait for', async (t) => {
  const { file } = await opened(t);
  const raw = new DatabaseSync(file);
  t.after(() => raw.close());
  assert.deepEqual({ ...raw.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' });
});

test('commits are flushed to the disk before they are acknowledged', async (t) => {
  const { database } = await opened(t);
  const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(database);
  assert.deepEqual(
    rows.map((row) => row.synchronous),
    [2],
  ); // 2 is FULL
});

test('a database of each numbered version is brought to this one, with what it held', async (t) => {
  for (const version of [1, 2]) {
    const file = databaseFile(t);
    const raw = new DatabaseSync(file);
    const steps = MIGRATIONS.slice(0, version).map((step) => step.statements(SQLITE_WORDS));
    raw.exec(`create table schema_version (version integer not null); insert into schema_version values (${version})`);
    raw.exec('pragma foreign_keys = off');
    for (const step of steps) raw.exec(step);
    fillFirstForm(raw);
    raw.close();
    const store = await openStore(`sqlite:${file}`);
    t.after(() => store.destroy());
    const [round] = await lockRounds(store, ['h']);
    assert(round !== undefined);
    const { state, pcrs } = keptOf(round) ?? assert.fail('nothing was kept');
    assert.deepEqual([state.entries, state.clock, state.firmwareVersion], [2, 3n, undefined]);
    assert.deepEqual([pcrs.get(0)?.[0], state.pcr[0]], [0, 10]);
    const list = await listOf(store, 1, 1, 9);
    assert.deepEqual(
      list.map(({ number, record, receivedAt }) => [number, record, receivedAt]),
      [1, 2].map((number) => [number, LIST.bytes(number).subarray(0, LIST.offsetOf(2)), NOW]),
    );
    assert.equal((await sql`pragma foreign_key_check`.execute(store)).rows.length, 0);
  }
});

const LIST = new SimulatedList();
LIST.measure('/usr/bin/a', new Uint8Array(32).fill(1));
LIST.measure('/usr/bin/b', new Uint8Array(32).fill(2));

/** A host with evidence, as the first verifiers stored it. */
function fillFirstForm(raw: DatabaseSync): void {
  const pcrs = Object.fromEntries(
    Array.from({ length: 11 }, (_, pcr) => [pcr, pcr.toString(16).padStart(2, '0').repeat(32)]),
  );
  const quote = JSON.stringify({ at: NOW, resetCount: 1, restartCount: 2, clock: '3', pcrs });
  raw.exec(`
    insert into boots (id, host, reset_count, restart_count, since, entries, violations) values (1, 'h', 1, 2, '', 2, 0);
    insert into hosts (id, name, ek_public, ak_public, token_digest, enrolled_at, tpm_kind, list_source, kernel, verdict,
      sentence, verdict_since, evidence_at, quote, boot)
      values ('h', 'web', x'', x'', x'', '', '', '', '', '', '', '', '${NOW}', '${quote}', 1);
    insert into kept_states (host, reset_count, restart_count, clock, entries, bytes, pcr) values ('h', 1, 2, '3', 2, 5, x'00')`);
  const insert = raw.prepare(
    "insert into measurements values (1, ?, 10, 'ima-ng', '', 'sha256:00', '', 'known', ?, ?)",
  );
  for (const number of [1, 2]) insert.run(number, LIST.bytes(number).subarray(0, LIST.offsetOf(2)), NOW);
}

test('a database of a newer version is refused and left as it is', async (t) => {
  const numbered = databaseFile(t);
  const raw = new DatabaseSync(numbered);
  raw.exec('create table schema_version (version integer not null); insert into schema_version values (3)');
  raw.close();
  const { database, file } = await opened(t);
  await sql`insert into schema_steps values ('of-tomorrow')`.execute(database);
  await database.destroy();
  const before = [readFileSync(numbered), readFileSync(file)];
  await rejectsSystem(numbered, 'DATABASE-NEWER', /schema version 3, which this verifier does not know/);
  await rejectsSystem(
    file,
    'DATABASE-NEWER',
    /the step "of-tomorrow" of its schema, which this verifier does not know/,
  );
  assert.deepEqual([readFileSync(numbered), readFileSync(file)], before);
});

test('a database of another program, or a file that is none, is refused and left as it is', async (t) => {
  const foreign = databaseFile(t);
  const raw = new DatabaseSync(foreign);
  raw.exec('create table songs (title text)');
  raw.close();
  const text = databaseFile(t);
  writeFileSync(text, 'this is no database, but long enough to have a header of one hundred bytes '.repeat(4));
  const before = [readFileSync(foreign), readFileSync(text)];
  await rejectsSystem(foreign, 'DATABASE-UNUSABLE', /another program/);
  await rejectsSystem(text, 'DATABASE-UNUSABLE', /not a database/);
  assert.deepEqual([readFileSync(foreign), readFileSync(text)], before);
  await rejectsSystem('/nowhere/verifier.db', 'DATABASE-UNUSABLE', /nowhere/);
});

test('a value that SQLite has no type for is an error, not a silent NULL', async (t) => {
  const { database } = await opened(t);
  const wrong: unknown = { ...hostRow('c'), kernel: true };
  await assert.rejects(insertHost(database, wrong as HostRow), /a boolean cannot be stored/);
});
