import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeHasher } from '@assay/core/node';
import { SimulatedHost } from '@assay/testkit/evidence';
import {
  AccessToken,
  AuditChain,
  AuditPage,
  AUDIT_START,
  route,
  ROUTES,
  TokenList,
  TokenReply,
  type AuditEntry,
  type Role,
} from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { sql } from 'kysely';
import { openStore } from '../src/store/open.ts';
import { listen } from './listen.ts';
import { content, enrol } from './machine.ts';
import { call, newStore, post, refusal, service, TOKENS, type Answer } from './service.ts';

const get = (verifier: Verifier, path: string, token: string): Promise<Answer> =>
  call(verifier, path, { headers: { authorization: `Bearer ${token}` } });

async function tokenOf(verifier: Verifier, role: Role, more: object = {}): Promise<TokenReply> {
  const request = { name: `${role}@example`, role, ...more };
  return content(await post(verifier, ROUTES.tokens, TOKENS.operator, request), TokenReply);
}

async function auditOf(verifier: Verifier): Promise<AuditEntry[]> {
  return content(await get(verifier, ROUTES.audit, TOKENS.operator), AuditPage).entries;
}

test('each role may do what those before it may, and no more', async (t) => {
  // Not on the loopback by its name, so that reading needs a role too.
  const verifier = await service(t, { host: '0.0.0.0' });
  const roles = ['viewer', 'operator', 'approver', 'admin', 'agent'] as const;
  const allowed = { [ROUTES.hosts]: 0, [ROUTES.findings]: 0, [ROUTES.tokens]: 3, [ROUTES.audit]: 3 };
  for (const [rank, role] of roles.entries()) {
    const { secret } = await tokenOf(verifier, role);
    for (const [path, least] of Object.entries(allowed)) {
      const { status } = await get(verifier, path, secret);
      assert.equal(status, role !== 'agent' && rank >= least ? 200 : 403, `${role} ${path}`);
      assert.equal((await call(verifier, path, { method: 'HEAD' })).status, 401, `HEAD ${path}`);
    }
    const capture = await post(verifier, route(ROUTES.captures, 'web-03'), secret, {});
    assert.equal(capture.status, role === 'viewer' || role === 'agent' ? 403 : 404, role);
    const enrolling = await post(verifier, ROUTES.enrol, secret, {});
    assert.equal(refusal(enrolling), role === 'agent' ? '400 REQUEST-INVALID' : '403 REQUEST-FORBIDDEN');
  }
  assert.equal(refusal(await call(verifier, ROUTES.hosts)), '401 REQUEST-UNAUTHENTICATED');
});

test('a token is shown once, its store has no secret, and a list has none either', async (t) => {
  const store = await newStore(t);
  const verifier = await service(t, { store });
  const { secret, token } = await tokenOf(verifier, 'viewer');
  const listed = await get(verifier, ROUTES.tokens, TOKENS.operator);
  assert.deepEqual(content(listed, TokenList).tokens, [token]);
  const database = await openStore(store);
  t.after(() => database.destroy());
  const rows = JSON.stringify(await database.selectFrom('tokens').selectAll().execute());
  for (const text of [listed.text, rows, JSON.stringify(await auditOf(verifier))]) assert(!text.includes(secret));
});

test('a token ends when its time is over, or at once when it is revoked', async (t) => {
  let now = new Date();
  const verifier = await service(t, { host: '0.0.0.0', now: () => now });
  const short = await tokenOf(verifier, 'viewer', { lifetimeSeconds: 60 });
  const long = await tokenOf(verifier, 'viewer');
  assert.equal((await get(verifier, ROUTES.hosts, short.secret)).status, 200);
  now = new Date(now.getTime() + 60_000);
  assert.equal(refusal(await get(verifier, ROUTES.hosts, short.secret)), '401 REQUEST-UNAUTHENTICATED');
  assert.equal((await get(verifier, ROUTES.hosts, long.secret)).status, 200);
  const path = route(ROUTES.tokenRevocation, long.token.id);
  assert.notEqual(content(await post(verifier, path, TOKENS.operator, {}), AccessToken).revokedAt, null);
  assert.equal(refusal(await get(verifier, ROUTES.hosts, long.secret)), '401 REQUEST-UNAUTHENTICATED');
  assert.equal(refusal(await post(verifier, path, TOKENS.operator, {})), '404 REQUEST-NOT-FOUND');
});

test('who listens is cut off when the token ends, and nobody else is', async (t) => {
  let now = new Date();
  const verifier = await service(t, { host: '0.0.0.0', now: () => now });
  const short = await tokenOf(verifier, 'viewer', { lifetimeSeconds: 60 });
  const long = await tokenOf(verifier, 'viewer');
  const stays = await tokenOf(verifier, 'viewer');
  const open = (secret: string, form: string): Promise<Response> =>
    fetch(`${verifier.url}${ROUTES.events}?form=${form}`, { headers: { authorization: `Bearer ${secret}` } });
  const [first, second] = [await open(short.secret, 'lines'), await open(long.secret, 'whole')];
  const third = await listen(t, verifier, 'whole', stays.secret);
  now = new Date(now.getTime() + 60_000);
  assert.doesNotMatch(await first.text(), /event:/);
  await post(verifier, route(ROUTES.tokenRevocation, long.token.id), TOKENS.operator, {});
  assert.doesNotMatch(await second.text(), /event:/);
  await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  assert.equal((await third()).type, 'host');
});

test('one who listens 64 times may not once more, and leaves room for others', async (t) => {
  const verifier = await service(t, { host: '0.0.0.0' });
  const { secret } = await tokenOf(verifier, 'viewer');
  const ends = new AbortController();
  t.after(() => ends.abort());
  const open = (token: string, signal = ends.signal): Promise<Response> =>
    fetch(verifier.url + ROUTES.events, { headers: { authorization: `Bearer ${token}` }, signal });
  const first = new AbortController();
  // Kept, since a stream that nobody can read any more is ended.
  const streams = [await open(secret, first.signal)];
  while (streams.length < 64) streams.push(await open(secret));
  const refused = await get(verifier, ROUTES.events, secret);
  assert.equal(refusal(refused), '429 REQUEST-TOO-MANY');
  assert.match(refused.text, /viewer@example listens 64 times already/);
  streams.push(await open(TOKENS.operator));
  assert.ok(streams.every(({ ok }) => ok));
  first.abort();
  let again = await open(secret);
  while (again.status === 429) {
    await again.text();
    again = await open(secret);
  }
  assert.equal(again.status, 200);
});

test('what is done stands in the log with who did it, and what is refused does not', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  const { secret, token } = await tokenOf(verifier, 'operator');
  const viewer = await tokenOf(verifier, 'viewer');
  const captures = route(ROUTES.captures, 'web-03');
  assert.equal((await post(verifier, captures, secret, { note: 'golden' })).status, 201);
  assert.equal((await post(verifier, captures, viewer.secret, {})).status, 403);
  const done = (await auditOf(verifier)).map(({ seq, actor, action, subject }) => [seq, actor, action, subject]);
  assert.deepEqual(done, [
    [1, 'built-in-join', 'host.enrol', 'web-03'],
    [2, 'built-in-operator', 'token.create', token.id],
    [3, 'built-in-operator', 'token.create', viewer.token.id],
    [4, 'operator@example', 'reference.capture', 'web-03'],
  ]);
});

test('the log is one chain, also when entries are added at the same time', async (t) => {
  const verifier = await service(t);
  await Promise.all(Array.from({ length: 12 }, () => tokenOf(verifier, 'viewer')));
  const entries = await auditOf(verifier);
  assert.equal(entries.length, 12);
  assert.equal(problemIn(entries), undefined);
});

test('a log that was changed, cut, put in another order or filled up does not follow', async (t) => {
  const store = await newStore(t);
  const verifier = await service(t, { store });
  for (let i = 0; i < 4; i++) await tokenOf(verifier, 'viewer');
  const log = await auditOf(verifier);
  const [a, b, c, d] = log;
  assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
  for (const member of ['at', 'actor', 'action', 'subject', 'detail'] as const) {
    assert.match(String(problemIn([a, { ...b, [member]: `${b[member]}x` }, c])), /entry 2 was changed/, member);
  }
  assert.match(String(problemIn([a, c, d])), /entry 2 is missing/);
  assert.match(String(problemIn([b, c, d])), /entry 1 is missing/);
  assert.match(String(problemIn([a, { ...c, seq: 2 }, { ...b, seq: 3 }])), /entry 2 was changed/);
  assert.match(String(problemIn([a, b, b])), /entry 3 is missing/);
  const database = await openStore(store);
  t.after(() => database.destroy());
  await sql`update audit set actor = 'nobody' where seq = 3`.execute(database);
  assert.match(String(problemIn(await auditOf(verifier))), /entry 3 was changed/);
});

function problemIn(entries: readonly AuditEntry[]): string | undefined {
  const chain = new AuditChain(nodeHasher, AUDIT_START);
  for (const entry of entries) {
    const problem = chain.follow(entry);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
