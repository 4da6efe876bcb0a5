import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { SystemError, type SystemCode } from '@assay/core/errors';
import { sql } from 'kysely';
import { openStore } from '../src/store/open.ts';
import { MIGRATIONS } from '../src/store/migrations/index.ts';
import { SQLITE_WORDS } from '../src/store/migrations/migration.ts';
import { insertHost } from '../src/store/hosts.ts';
import type { Database, HostRow } from '../src/store/schema.ts';
import { hostRow } from './rows.ts';
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
    for (const step of steps) raw.exec(step);
    const columns = 'id, name, ek_public, ak_public, token_digest, enrolled_at, tpm_kind, list_source, kernel, verdict';
    raw.exec(
      `insert into hosts (${columns}, sentence, verdict_since) values ('h', 'web', x'', x'', x'', '', '', '', '', '', '', '')`,
    );
    raw.exec(
      "insert into kept_states (host, reset_count, restart_count, clock, entries, bytes, pcr) values ('h', 1, 2, '3', 4, 5, x'00')",
    );
    raw.close();
    const store = await openStore(`sqlite:${file}`);
    t.after(() => store.destroy());
    const kept = await store.selectFrom('kept_states').selectAll().executeTakeFirstOrThrow();
    assert.deepEqual({ entries: kept.entries, firmware: kept.firmware }, { entries: 4, firmware: null });
  }
});

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
