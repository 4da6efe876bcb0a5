import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { createDatabase, postgresAvailable } from '@assay/testkit/postgres';
import { SimulatedHost } from '@assay/testkit/evidence';
import { enrol } from './machine.ts';
import { databaseFile, newStore, service } from './service.ts';

/** A copy of a store that is being worked with, as docs/verifier.md says to make one. @returns the URL of the copy */
async function backup(t: TestContext, store: string): Promise<string> {
  const copy = databaseFile(t);
  const file = /^sqlite:(.*)/.exec(store)?.[1];
  if (file !== undefined) {
    const raw = new DatabaseSync(file);
    raw.prepare('vacuum into ?').run(copy);
    raw.close();
    return `sqlite:${copy}`;
  }
  const available = postgresAvailable();
  if ('missing' in available) return assert.fail(available.missing);
  execFileSync(join(available.directory, 'pg_dump'), ['--format=custom', `--file=${copy}`, store]);
  const restored = await createDatabase(store);
  execFileSync(join(available.directory, 'pg_restore'), ['--exit-on-error', `--dbname=${restored}`, copy]);
  return restored;
}

test('a verifier goes on from a backup: a host sends what the backup lacks, and its findings and verdict are right', async (t) => {
  const store = await newStore(t);
  const first = await service(t, { store });
  const agent = await enrol(first, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  const copy = await backup(t, store);
  await agent.host.execute('/tmp/after-the-backup', 'x');
  assert.equal((await agent.attest()).verdict, 'failed');

  agent.verifier = await service(t, { store: copy });
  assert.equal((await agent.detail()).verdict, 'trusted');
  assert.equal((await agent.askChallenge()).list.fromEntry, 3);
  const reply = await agent.attest();
  assert.deepEqual([reply.verified, reply.verdict], [true, 'failed']);
  assert.equal((await agent.measurements()).total, 3);
  assert.deepEqual(
    (await agent.findings()).map(({ code }) => code),
    ['IMA-UNKNOWN-DIGEST'],
  );
});
