import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SystemError, type SystemCode } from '@assay/core/errors';
import { sql } from 'kysely';
import { openStore } from '../src/store/open.ts';
import { MIGRATIONS } from '../src/store/migrations.ts';
import { addChallenge, takeChallenge } from '../src/store/challenges.ts';
import { insertHost } from '../src/store/hosts.ts';
import type { Database, HostRow } from '../src/store/schema.ts';
import { databaseFile } from './service.ts';

const NOW = '2026-09-01T12:00:00.000Z';
const LATER = '2026-09-01T12:02:00.000Z';

function host(id: string): HostRow {
  return {
    id,
    name: `host-${id}`,
    ek_public: Uint8Array.of(1),
    ak_public: Uint8Array.of(2),
    token_digest: new TextEncoder().encode(id),
    enrolled_at: NOW,
    tpm_kind: 'simulated',
    list_source: 'simulated',
    kernel: '6.12',
    verdict: 'pending',
    sentence: '',
    verdict_since: NOW,
    evidence_at: null,
    quote: null,
    boot: null,
    reference_version: null,
  };
}

function challenge(session: string, of: string, expires = LATER) {
  return { session, host: of, nonce: Uint8Array.of(3), expires_at: expires };
}

function throwsSystem(run: () => unknown, code: SystemCode, message: RegExp): void {
  assert.throws(run, (error) => error instanceof SystemError && error.code === code && message.test(error.message));
}

async function withHosts(file: string): Promise<Database> {
  const database = openStore(file);
  for (const id of ['a', 'b']) await insertHost(database, host(id));
  return database;
}

test('a store is opened again with what it held, durable and with its keys enforced', async (t) => {
  const file = databaseFile(t);
  const first = await withHosts(file);
  await first.destroy();
  const second = openStore(file);
  t.after(() => second.destroy());
  const rows = await second.selectFrom('hosts').select(['id', 'ek_public']).orderBy('id').execute();
  assert.deepEqual(
    rows.map((row) => row.id),
    ['a', 'b'],
  );
  assert.deepEqual(rows[0]?.ek_public, Uint8Array.of(1));
  await assert.rejects(addChallenge(second, challenge('s', 'nobody')), /FOREIGN KEY/);
  const raw = new DatabaseSync(file);
  t.after(() => raw.close());
  assert.deepEqual({ ...raw.prepare('pragma journal_mode').get() }, { journal_mode: 'wal' });
});

test('commits are flushed to the disk before they are acknowledged', async (t) => {
  const database = openStore(databaseFile(t));
  t.after(() => database.destroy());
  const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(database);
  assert.deepEqual(
    rows.map((row) => row.synchronous),
    [2],
  ); // 2 is FULL
});

test('a database of every older version is brought to this one, with what it held', async (t) => {
  for (const version of MIGRATIONS.keys()) {
    if (version === 0) continue;
    const file = databaseFile(t);
    const raw = new DatabaseSync(file);
    const steps = MIGRATIONS.slice(0, version).join(';');
    raw.exec(`create table schema_version (version integer not null); insert into schema_version values (${version})`);
    raw.exec(steps);
    const columns = 'id, name, ek_public, ak_public, token_digest, enrolled_at, tpm_kind, list_source, kernel, verdict';
    raw.exec(
      `insert into hosts (${columns}, sentence, verdict_since) values ('h', 'web', x'', x'', x'', '', '', '', '', '', '', '')`,
    );
    raw.exec(
      "insert into kept_states (host, reset_count, restart_count, clock, entries, bytes, pcr) values ('h', 1, 2, '3', 4, 5, x'00')",
    );
    raw.close();
    const store = openStore(file);
    t.after(() => store.destroy());
    const kept = await store.selectFrom('kept_states').selectAll().executeTakeFirstOrThrow();
    assert.deepEqual({ entries: kept.entries, firmware: kept.firmware }, { entries: 4, firmware: null });
  }
});

test('a database of a newer version is refused and left as it is', (t) => {
  const file = databaseFile(t);
  const raw = new DatabaseSync(file);
  raw.exec(
    `create table schema_version (version integer not null); insert into schema_version values (${MIGRATIONS.length + 1})`,
  );
  raw.close();
  const before = readFileSync(file);
  throwsSystem(() => openStore(file), 'DATABASE-NEWER', /schema version 3; this verifier knows versions up to 2/);
  assert.deepEqual(readFileSync(file), before);
});

test('a database of another program, or a file that is none, is refused and left as it is', (t) => {
  const foreign = databaseFile(t);
  const raw = new DatabaseSync(foreign);
  raw.exec('create table songs (title text)');
  raw.close();
  const text = databaseFile(t);
  writeFileSync(text, 'this is no database, but long enough to have a header of one hundred bytes '.repeat(4));
  const before = [readFileSync(foreign), readFileSync(text)];
  throwsSystem(() => openStore(foreign), 'DATABASE-UNUSABLE', /another program/);
  throwsSystem(() => openStore(text), 'DATABASE-UNUSABLE', /not a database/);
  assert.deepEqual([readFileSync(foreign), readFileSync(text)], before);
  throwsSystem(() => openStore('/nowhere/verifier.db'), 'DATABASE-UNUSABLE', /nowhere/);
});

test('a challenge is taken once, by its own host, before it expires', async (t) => {
  const database = await withHosts(databaseFile(t));
  t.after(() => database.destroy());
  await addChallenge(database, challenge('one', 'a'));
  assert.equal(await takeChallenge(database, 'b', 'one', NOW), undefined);
  assert.equal((await takeChallenge(database, 'a', 'one', NOW))?.session, 'one');
  assert.equal(await takeChallenge(database, 'a', 'one', NOW), undefined);
  await addChallenge(database, challenge('late', 'a'));
  assert.equal(await takeChallenge(database, 'a', 'late', LATER), undefined);
});

test('of more than eight challenges of a host, the oldest give way', async (t) => {
  const database = await withHosts(databaseFile(t));
  t.after(() => database.destroy());
  await addChallenge(database, challenge('other', 'b'));
  for (let i = 1; i <= 10; i++) await addChallenge(database, challenge(`s${i}`, 'a'));
  const kept = await database.selectFrom('challenges').select('session').orderBy('seq').execute();
  assert.deepEqual(
    kept.map((row) => row.session),
    ['other', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10'],
  );
});

test('a value that SQLite has no type for is an error, not a silent NULL', async (t) => {
  const database = openStore(databaseFile(t));
  t.after(() => database.destroy());
  const wrong: unknown = { ...host('c'), kernel: true };
  await assert.rejects(insertHost(database, wrong as HostRow), /a boolean cannot be stored/);
});
