import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SimulatedHost } from '@assay/testkit/evidence';
import { createDatabase, postgresAvailable, startPostgres } from '@assay/testkit/postgres';
import { Health, ROUTES } from '@assay/wire';
import { samplesIn } from '@assay/wire/samples';
import { withoutRepeats } from '../src/log.ts';
import { isUnavailable } from '../src/store/unavailable.ts';
import { content, enrol } from './machine.ts';
import { call, refusal, service, TOKENS } from './service.ts';

const available = postgresAvailable();
const skip = 'missing' in available ? `PostgreSQL is missing: ${available.missing}` : false;

const PATIENCE_MILLISECONDS = 60_000;

test('without its store a verifier says so, lives, logs it once, and goes on when the store is back', {
  skip,
}, async (t) => {
  const server = await startPostgres(['fsync=off']);
  t.after(() => server.stop());
  const log: string[] = [];
  const verifier = await service(t, { store: await createDatabase(server.url), log: (line) => log.push(line) });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();

  await server.halt();
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  for (const path of [ROUTES.hosts, ROUTES.findings, ROUTES.hosts]) {
    const answer = await call(verifier, path, { headers });
    assert.equal(refusal(answer), '503 STORE-UNAVAILABLE');
    assert.equal(answer.headers['retry-after'], '2');
    assert.ok(!/ECONN|ENOENT|postgres/.test(answer.text), answer.text);
  }
  const round = await agent.post(await agent.host.evidence(agent.challenge));
  assert.equal(refusal(round), '503 STORE-UNAVAILABLE');
  assert.equal(content(await call(verifier, ROUTES.health), Health).status, 'ok');
  assert.equal(refusal(await call(verifier, ROUTES.ready)), '503 VERIFIER-LATE');
  const figures = await call(verifier, ROUTES.metrics);
  assert.equal(figures.status, 200);
  const names = new Set(samplesIn(figures.text).map(({ name }) => name));
  assert.ok(names.has('assay_verifier_late_seconds') && names.has('assay_http_requests_total'));
  assert.ok(!names.has('assay_hosts'));
  // Said again after a minute, it would say how often it came.
  const said = log.filter((line) => /^requests: the store does not answer: [^(]*ENOENT[^(]*$/.test(line));
  assert.equal(said.length, 1, log.join('\n'));
  assert.ok(!log.some((line) => line.includes('    at ')), log.join('\n'));

  await server.resume();
  const patience = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  while ((await call(verifier, ROUTES.ready)).status !== 200) await delay(50, undefined, { signal: patience });
  await agent.askChallenge();
  await agent.host.execute('/usr/bin/true', 'true');
  assert.equal((await agent.attest()).verified, true);
  assert.equal((await agent.measurements()).total, 2);
});

test('a file of SQLite that is full, or may not be written, is a store that does not answer; a wrong statement is not', () => {
  const database = new DatabaseSync(':memory:');
  database.exec('create table t (x blob unique)');
  const errorOf = (statement: string): unknown => {
    try {
      database.exec(statement);
    } catch (error) {
      return error;
    }
    throw new Error('it is no error');
  };
  assert.equal(isUnavailable(errorOf('insert into nowhere values (1)')), false);
  database.exec("insert into t values ('a')");
  assert.equal(isUnavailable(errorOf("insert into t values ('a')")), false);
  database.exec('pragma max_page_count = 4');
  assert.equal(isUnavailable(errorOf('insert into t values (zeroblob(100000))')), true);
  database.exec('pragma query_only = on');
  assert.equal(isUnavailable(errorOf("insert into t values ('b')")), true);
  database.close();
});

describe('a log without repeats', () => {
  test('says a line once a minute, and how often it came meanwhile', () => {
    const said: string[] = [];
    let now = 0;
    const log = withoutRepeats(
      (line) => said.push(line),
      () => now,
    );
    for (; now < 150_000; now += 1000) {
      log('alerts: no');
      if (now === 5000) log('another');
    }
    assert.deepEqual(said, [
      'alerts: no',
      'another',
      'alerts: no (59 times more since it was said)',
      'alerts: no (59 times more since it was said)',
    ]);
  });

  test('remembers no more than it has room for', () => {
    const said: string[] = [];
    const log = withoutRepeats(
      (line) => said.push(line),
      () => 0,
    );
    for (let line = 0; line < 1000; line++) log(`line ${line}`);
    log('line 999');
    log('line 0');
    assert.equal(said.length, 1001);
  });
});
