import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemError } from '@assay/core/errors';
import { sql } from 'kysely';
import { openStore } from '../src/store/open.ts';
import { addChallenge, takeChallenge } from '../src/store/challenges.ts';
import { insertHost } from '../src/store/hosts.ts';
import type { Database } from '../src/store/schema.ts';
import { hostRow, LATER, NOW } from './rows.ts';
import { newStore } from './service.ts';

function challenge(session: string, of: string, expires = LATER) {
  return { session, host: of, nonce: Uint8Array.of(3), expires_at: expires };
}

async function withHosts(store: string): Promise<Database> {
  const database = await openStore(store);
  for (const id of ['a', 'b']) await insertHost(database, hostRow(id));
  return database;
}

test('a store is opened again with what it held, its keys enforced', async (t) => {
  const store = await newStore(t);
  const first = await withHosts(store);
  await first.destroy();
  const second = await openStore(store);
  t.after(() => second.destroy());
  const rows = await second.selectFrom('hosts').select(['id', 'ek_public']).orderBy('id').execute();
  assert.deepEqual(
    rows.map((row) => row.id),
    ['a', 'b'],
  );
  assert.deepEqual(rows[0]?.ek_public, Uint8Array.of(1));
  await assert.rejects(addChallenge(second, challenge('s', 'nobody')), /foreign key/i);
});

test('two verifiers that open an empty store at once make its tables once', async (t) => {
  const store = await newStore(t);
  const opened = await Promise.all([openStore(store), openStore(store), openStore(store)]);
  for (const database of opened) t.after(() => database.destroy());
  for (const database of opened) assert.deepEqual(await database.selectFrom('hosts').selectAll().execute(), []);
});

test('a store of a newer version is refused', async (t) => {
  const store = await newStore(t);
  const database = await openStore(store);
  await sql`insert into schema_steps values ('of-tomorrow')`.execute(database);
  await database.destroy();
  await assert.rejects(openStore(store), (error) => error instanceof SystemError && error.code === 'DATABASE-NEWER');
});

test('what names no store, or none that answers, is refused without its password', async () => {
  const wrong = ['', 'verifier.db', 'sqlite:', 'mysql://a:secret@b/c', 'postgres://a:secret@127.0.0.1:1/assay'];
  for (const store of wrong) {
    await assert.rejects(
      openStore(store),
      (error) =>
        error instanceof SystemError && error.code === 'DATABASE-UNUSABLE' && !error.message.includes('secret'),
      store,
    );
  }
});

test('a challenge is taken once, by its own host, before it expires', async (t) => {
  const database = await withHosts(await newStore(t));
  t.after(() => database.destroy());
  await addChallenge(database, challenge('one', 'a'));
  assert.equal(await takeChallenge(database, 'b', 'one', NOW), undefined);
  assert.equal((await takeChallenge(database, 'a', 'one', NOW))?.session, 'one');
  assert.equal(await takeChallenge(database, 'a', 'one', NOW), undefined);
  await addChallenge(database, challenge('late', 'a'));
  assert.equal(await takeChallenge(database, 'a', 'late', LATER), undefined);
});

test('of more than eight challenges of a host, the oldest give way', async (t) => {
  const database = await withHosts(await newStore(t));
  t.after(() => database.destroy());
  await addChallenge(database, challenge('other', 'b'));
  for (let i = 1; i <= 10; i++) await addChallenge(database, challenge(`s${i}`, 'a'));
  const kept = await database.selectFrom('challenges').select('session').orderBy('seq').execute();
  assert.deepEqual(
    kept.map((row) => row.session),
    ['other', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10'],
  );
});
