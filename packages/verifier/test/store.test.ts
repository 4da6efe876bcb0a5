import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { sql } from 'kysely';
import { openStore } from '../src/store/open.ts';
import { takeChallenge, withChallenge } from '../src/store/challenges.ts';
import { entriesById, entryIds } from '../src/store/entries.ts';
import { insertHost } from '../src/store/hosts.ts';
import type { NewEntry } from '../src/store/intern.ts';
import { appendToList, listOf } from '../src/store/lists.ts';
import { addBoot } from '../src/store/boots.ts';
import { firstRound, lockRounds, saveRounds } from '../src/store/rounds.ts';
import type { Database } from '../src/store/schema.ts';
import { hostRow, LATER, NOW } from './rows.ts';
import { newStore, untouchedStore } from './service.ts';

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
  await assert.rejects(saveRounds(second, [firstRound('nobody')]), /foreign key/i);
});

test('two verifiers that open an empty store at once make its tables once', async (t) => {
  const store = await untouchedStore(t);
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

test('a challenge is taken once, before it expires', () => {
  const asked = withChallenge(firstRound('a'), { session: 'one', nonce: '00', expiresAt: LATER, lastPcr: 15 });
  assert.equal(takeChallenge(asked, 'two', NOW), undefined);
  assert.equal(takeChallenge(asked, 'one', LATER), undefined);
  const taken = takeChallenge(asked, 'one', NOW);
  assert.deepEqual(taken?.challenge, { session: 'one', nonce: '00', expiresAt: LATER, lastPcr: 15 });
  assert.deepEqual(taken.row, firstRound('a'));
});

test('a challenge that was issued before PCR 11 to 15 were asked for is answered without them', () => {
  const before = { ...firstRound('a'), challenges: JSON.stringify([['one', '00', LATER]]) };
  assert.equal(takeChallenge(before, 'one', NOW)?.challenge.lastPcr, 10);
});

test('of more than eight challenges of a host, the oldest give way', () => {
  let row = firstRound('a');
  for (let i = 1; i <= 10; i++)
    row = withChallenge(row, { session: `s${i}`, nonce: '00', expiresAt: LATER, lastPcr: 15 });
  const kept = Array.from({ length: 10 }, (_, i) => `s${i + 1}`).filter((session) => takeChallenge(row, session, NOW));
  assert.deepEqual(kept, ['s3', 's4', 's5', 's6', 's7', 's8', 's9', 's10']);
});

test('a round is saved over the one before, and others of the same statement beside it', async (t) => {
  const database = await withHosts(await newStore(t));
  t.after(() => database.destroy());
  await saveRounds(database, [firstRound('a')]);
  const later = {
    ...firstRound('a'),
    evidence_at: NOW,
    clock: '18446744073709551615',
    entries: 3,
    pcrs: Uint8Array.of(7),
  };
  await saveRounds(database, [firstRound('b'), later]);
  const rows = await database.transaction().execute((db) => lockRounds(db, ['b', 'a']));
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [later, firstRound('b')],
  );
});

test('an entry is stored once, whoever stores it and however often', async (t) => {
  const database = await withHosts(await newStore(t));
  t.after(() => database.destroy());
  const entry = (n: number) => ({ key: Uint8Array.of(n), record: Uint8Array.of(n, n) });
  const [one] = await entryIds(database, [entry(1)]);
  const ids = await entryIds(database, [entry(2), entry(1), entry(2)]);
  assert.deepEqual([ids[1], ids[2]], [one, ids[0]]);
  assert.notEqual(ids[0], one);
  const [both, again] = await Promise.all([
    entryIds(database, [entry(3), entry(4)]),
    entryIds(database, [entry(4), entry(3)]),
  ]);
  assert.deepEqual(both, again.toReversed());
  assert.deepEqual((await entriesById(database, ids)).get(ids[0] ?? 0)?.record, Uint8Array.of(2, 2));
});

test('a list is read in its order, from any place to any, with when each entry came', async (t) => {
  const database = await withHosts(await newStore(t));
  t.after(() => database.destroy());
  const round = { host: 'a', reset_count: 1, restart_count: 0, since: NOW, entries: 5, violations: 0, until: null };
  const boot = await addBoot(database, round);
  const entry = (n: number) => ({ key: Uint8Array.of(n), record: Uint8Array.of(n) });
  const ids = await entryIds(database, [1, 2, 3].map(entry));
  await appendToList(database, { boot, first: 1, ids: [2, 0, 1].map((at) => ids[at] ?? 0), receivedAt: NOW });
  await appendToList(database, { boot, first: 4, ids: [ids[0] ?? 0, ids[2] ?? 0], receivedAt: LATER });
  const read = async (from: number, to: number) =>
    (await listOf(database, boot, from, to)).map(({ number, record, receivedAt }) => [number, record[0], receivedAt]);
  assert.deepEqual(await read(1, 5), [
    [1, 3, NOW],
    [2, 1, NOW],
    [3, 2, NOW],
    [4, 1, LATER],
    [5, 3, LATER],
  ]);
  assert.deepEqual(await read(3, 4), (await read(1, 5)).slice(2, 4));
  assert.deepEqual(await read(6, 9), []);
  await assert.rejects(appendToList(database, { boot, first: 4, ids, receivedAt: LATER }), /unique/i);
});

test('of a long list each entry is stored once, whatever of it was known before, and found in its place', async (t) => {
  const database = await openStore(await newStore(t));
  t.after(() => database.destroy());
  const [some, others] = [0, 20_000].map((start) =>
    Array.from({ length: 12_000 }, (_, place) => longEntry(start + place)),
  );
  assert.ok(some !== undefined && others !== undefined);
  const stored = (entries: readonly NewEntry[]): Promise<number[]> =>
    database.transaction().execute((db) => entryIds(db, entries));
  const first = await stored([...some, ...some.slice(0, 5)]);
  assert.equal(new Set(first).size, some.length);
  assert.deepEqual(first.slice(some.length), first.slice(0, 5));
  const mixed = others.flatMap((other, place) => [other, some[place] ?? other]);
  const second = await stored(mixed);
  assert.deepEqual(
    second.filter((_id, place) => place % 2 === 1),
    first.slice(0, some.length),
  );
  assert.deepEqual(await stored(mixed), second);
  const found = await entriesById(database, second.slice(0, 100));
  assert.deepEqual(
    second.slice(0, 100).map((id) => found.get(id)?.record),
    mixed.slice(0, 100).map(({ record }) => record),
  );
});

const LONG = 11_000;

/** Keys are as different as digests are. */
function longEntry(place: number): NewEntry {
  return { key: nodeHasher.digest('sha256', utf8(`${place}`)), record: utf8(`record ${place}`) };
}

function longList(): NewEntry[] {
  return Array.from({ length: LONG }, (_, place) => longEntry(place));
}

test('of a long list its beginning may be known, or one entry anywhere, or none', async (t) => {
  const database = await openStore(await newStore(t));
  t.after(() => database.destroy());
  const known = await entryIds(database, [0, 1, 2, 5000].map(longEntry));
  const stored = (): Promise<number[]> => database.transaction().execute((db) => entryIds(db, longList()));
  const ids = await stored();
  assert.deepEqual(
    [0, 1, 2, 5000].map((place) => ids[place]),
    known,
  );
  assert.equal(new Set(ids).size, LONG);
  await database.deleteFrom('entries').where('id', 'not in', known.slice(0, 3)).execute();
  const again = await stored();
  assert.deepEqual(again.slice(0, 3), known.slice(0, 3));
  assert.equal(new Set(again).size, LONG);
});

test('one long list that is stored twice at the same time has one id for each entry', async (t) => {
  const database = await openStore(await newStore(t));
  t.after(() => database.destroy());
  const store = (): Promise<number[]> => database.transaction().execute((db) => entryIds(db, longList()));
  const [one, other] = await Promise.all([store(), store()]);
  assert.equal(new Set(one).size, LONG);
  assert.deepEqual(other, one);
});

test('a long list that cannot be stored whole is not stored, and the store goes on', async (t) => {
  const database = await openStore(await newStore(t));
  t.after(() => database.destroy());
  const broken = {
    key: utf8('key'),
    get record(): Uint8Array {
      throw new Error('this entry cannot be written');
    },
  };
  const storing = database.transaction().execute((db) => entryIds(db, [...longList(), broken]));
  await assert.rejects(storing, /this entry cannot be written/);
  assert.equal((await database.selectFrom('entries').select('id').execute()).length, 0);
  const ids = await database.transaction().execute((db) => entryIds(db, longList()));
  assert.equal(new Set(ids).size, LONG);
});
