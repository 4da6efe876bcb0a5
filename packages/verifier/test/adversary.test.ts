// Forgeries that need a verifier, by their number in the list that docs/evidence.md speaks of.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { toBase64, utf8 } from '@assay/core/bytes';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ROUTES } from '@assay/wire';
import { enrol } from './machine.ts';
import { call, post, refusal, service, TOKENS } from './service.ts';

const JOIN = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.join}` };

test('case 13: no two challenges are alike, and each has 32 bytes', async (t) => {
  const agent = await enrol(await service(t), await SimulatedHost.boot({ name: 'web-03' }));
  const seen = new Set([agent.challenge.nonce]);
  for (let round = 0; round < 20; round++) seen.add((await agent.askChallenge()).nonce);
  assert.equal(seen.size, 21);
  for (const nonce of seen) assert.match(nonce, /^[0-9a-f]{64}$/);
});

test('case 23: an attestation key in PEM, DER or JWK says nothing of its attributes and is not enrolled', async (t) => {
  const verifier = await service(t);
  const right = await (await SimulatedHost.boot({ name: 'web-03' })).enrolRequest();
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forms = [
    utf8(publicKey.export({ type: 'spki', format: 'pem' }).toString()),
    publicKey.export({ type: 'spki', format: 'der' }),
    utf8(JSON.stringify(publicKey.export({ format: 'jwk' }))),
  ];
  for (const form of forms) {
    const answer = await post(verifier, ROUTES.enrol, TOKENS.join, { ...right, akPublic: toBase64(form) });
    assert.match(refusal(answer), /^422 (BYTES|TPM|HASH)-/);
  }
});

test('case 58: a compressed body is not unpacked', async (t) => {
  const verifier = await service(t);
  const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20)).toString('latin1');
  const headers = { ...JOIN, 'content-encoding': 'gzip' };
  const answer = await call(verifier, ROUTES.enrol, { method: 'POST', headers, body: bomb });
  assert.equal(refusal(answer), '400 REQUEST-MALFORMED');
});

test('case 58: a body nested without end is refused, and the verifier goes on', async (t) => {
  const verifier = await service(t);
  for (const [body, code] of [
    ['['.repeat(60_000), 'REQUEST-MALFORMED'],
    ['{"a":'.repeat(10_000), 'REQUEST-MALFORMED'],
    ['['.repeat(30_000) + ']'.repeat(30_000), 'REQUEST-INVALID'],
  ] as const) {
    const answer = await call(verifier, ROUTES.enrol, { method: 'POST', headers: JOIN, body });
    assert.equal(refusal(answer), `400 ${code}`);
  }
  assert.equal((await call(verifier, ROUTES.health)).status, 200);
});
