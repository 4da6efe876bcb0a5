import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ResultDocument, ResultKeys, ROUTES, route } from '@assay/wire';
import { newTokenKey, readTokenKey, tokenKeysOf, verifyToken, type VerifiedResult } from '@assay/wire/token';
import { startVerifier, type Verifier } from '@assay/verifier';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, refusal, service, type Answer } from './service.ts';

const NONCE = 'AAECAwQFBgc';

async function trusted(t: TestContext): Promise<{ verifier: Verifier; agent: TestAgent; later: (ms: number) => void }> {
  let shift = 0;
  const verifier = await service(t, { now: () => new Date(Date.now() + shift), staleAfterSeconds: 60 });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' }));
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  return { verifier, agent, later: (milliseconds) => (shift += milliseconds) };
}

function ask(verifier: Verifier, query = '', headers = {}): Promise<Answer> {
  return call(verifier, `${route(ROUTES.result, 'web-01')}${query}`, { headers });
}

async function verified(verifier: Verifier, answer: Answer, now = new Date()): Promise<VerifiedResult> {
  const keys = content(await call(verifier, ROUTES.resultKeys), ResultKeys);
  return verifyToken(content(answer, ResultDocument).token, tokenKeysOf(keys), { now });
}

test('the result of a trusted host affirms what it ran, names its reference values and ends with its evidence', async (t) => {
  const { verifier } = await trusted(t);
  const result = await verified(verifier, await ask(verifier));
  const list = result.appraisals.get('linux-ima');
  assert.deepEqual(
    [result.status, list?.vector, list?.policyIds],
    ['affirming', { executables: 2 }, ['reference:web-01/v1']],
  );
  assert.equal(result.host['name'], 'web-01');
  const evidenceAt = Date.parse(String(result.host['evidenceAt']));
  assert.equal(result.expiresAt, Math.floor(evidenceAt / 1000) + 60);
});

test('a host that runs a stranger is contraindicated at once', async (t) => {
  const { verifier, agent } = await trusted(t);
  await agent.host.execute('/tmp/x', 'stranger');
  await agent.attest();
  const result = await verified(verifier, await ask(verifier));
  assert.deepEqual(result.appraisals.get('linux-ima')?.vector, { executables: 96 });
});

test('nothing is claimed of a host that fell silent', async (t) => {
  const { verifier, later } = await trusted(t);
  later(61_000);
  const result = await verified(verifier, await ask(verifier), new Date(Date.now() + 61_000));
  assert.equal(result.status, 'none');
});

test('a result carries the nonce that it was asked with', async (t) => {
  const { verifier } = await trusted(t);
  assert.deepEqual((await verified(verifier, await ask(verifier, `?nonce=${NONCE}`))).nonces, [NONCE]);
  for (const bad of ['short', 'a'.repeat(87), 'AAECAwQ%2BFgc']) {
    assert.equal(refusal(await ask(verifier, `?nonce=${bad}`)), '400 REQUEST-INVALID');
  }
});

test('who asks for the media type of tokens gets the token alone, with its profile', async (t) => {
  const { verifier } = await trusted(t);
  const answer = await ask(verifier, '?profile=veraison', { accept: 'application/eat+jwt' });
  assert.equal(answer.headers['content-type'], 'application/eat+jwt; eat_profile="tag:github.com,2023:veraison/ear"');
  const keys = content(await call(verifier, ROUTES.resultKeys), ResultKeys);
  assert.equal((await verifyToken(answer.text, tokenKeysOf(keys), { now: new Date() })).profile, 'veraison');
});

test('a host gets its own result, and nobody does without being a host', async (t) => {
  const { verifier, agent } = await trusted(t);
  const headers = { authorization: `Bearer ${agent.token}` };
  const result = await verified(verifier, await call(verifier, ROUTES.agentResult, { headers }));
  assert.equal(result.host['name'], 'web-01');
  assert.equal(refusal(await call(verifier, ROUTES.agentResult)), '401 REQUEST-UNAUTHENTICATED');
});

test('there is no result of a host that is not there', async (t) => {
  const verifier = await service(t);
  assert.equal(refusal(await ask(verifier)), '404 REQUEST-NOT-FOUND');
});

test('results made before a change of keys verify while the old key is given too', async (t) => {
  const [old, fresh] = [await newTokenKey(), await newTokenKey()];
  const verifier = await service(t, { resultKeys: [fresh, old] });
  const { keys } = content(await call(verifier, ROUTES.resultKeys), ResultKeys);
  const ids = await Promise.all([fresh, old].map(async (pem) => (await readTokenKey(pem)).jwk.kid));
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    ids,
  );
});

test('a verifier does not start with a key that it cannot sign with', async () => {
  const tokens = { operator: 'o', join: 'j' };
  const store = 'sqlite::memory:';
  await assert.rejects(startVerifier({ store, port: 0, tokens, resultKeys: ['no key'] }), { code: 'KEY-PRIVATE' });
});
