import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { appraise, type AttestationResult } from '@assay/core/ear';
import {
  keySetOf,
  newTokenKey,
  parseToken,
  readTokenKey,
  requireTrusted,
  resultOf,
  signResult,
  tokenKeysAt,
  tokenKeysOf,
  verifyToken,
  type TokenKey,
} from '@assay/wire/token';

const ISSUED = 1_790_000_000;
const NONCE = 'AAECAwQFBgc';
const at = (seconds: number): Date => new Date((ISSUED + seconds) * 1000);

function result(openFindings: Parameters<typeof appraise>[0]['openFindings'] = []): AttestationResult {
  return {
    issuedAt: ISSUED,
    expiresAt: ISSUED + 30,
    verifier: { developer: 'tag:assay,2026', build: 'verifier 0.1.0' },
    nonce: NONCE,
    appraisals: appraise({
      verdict: openFindings.length === 0 ? 'trusted' : 'failed',
      endorsed: false,
      openFindings,
      reference: 'reference:web-01/v1',
    }),
    host: { name: 'web-01' },
  };
}

let key: TokenKey;
let other: TokenKey;
let token: string;
before(async () => {
  [key, other] = await Promise.all([readTokenKey(await newTokenKey()), readTokenKey(await newTokenKey())]);
  token = await signResult(result(), 'ietf', key);
});

describe('a token', () => {
  test('verifies with the key that signed it, in its time, with its nonce', async () => {
    const verified = await verifyToken(token, tokenKeysOf(keySetOf([other, key])), { now: at(1), nonce: NONCE });
    assert.equal(verified.status, 'affirming');
    assert.equal(verified.keyId, key.jwk.kid);
    assert.deepEqual(verified.host, { name: 'web-01' });
    assert.equal(verified.appraisals.get('linux-ima')?.vector.executables, 2);
  });

  test('verifies in the dialect of Veraison too', async () => {
    const veraison = await signResult(result(), 'veraison', key);
    assert.equal((await verifyToken(veraison, tokenKeysOf(keySetOf([key])), { now: at(0) })).status, 'affirming');
  });

  test('is signed as RFC 7518 says, by a check without our library', () => {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const script = `
      const { createPublicKey, verify } = require('node:crypto');
      const key = createPublicKey({ key: ${JSON.stringify(key.jwk)}, format: 'jwk' });
      const ok = verify('sha256', Buffer.from(${JSON.stringify(`${header}.${payload}`)}),
        { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(${JSON.stringify(signature)}, 'base64url'));
      process.exit(ok ? 0 : 1);`;
    execFileSync(process.execPath, ['-e', script]);
  });

  const refused: readonly [string, string, () => Promise<string>, number?, string?][] = [
    ['another key', 'TOKEN-KEY-UNKNOWN', () => signResult(result(), 'ietf', other)],
    ['a forged key id', 'TOKEN-SIGNATURE', () => signResult(result(), 'ietf', { ...other, jwk: key.jwk })],
    ['a changed claim', 'TOKEN-SIGNATURE', async () => withPayload(token, { eat_profile: 'x' })],
    ['no signature', 'TOKEN-SIGNATURE', async () => `${token.split('.').slice(0, 2).join('.')}.`],
    ['the algorithm none', 'TOKEN-FORM', async () => withHeader(token, { alg: 'none' })],
    ['a MAC under the public key', 'TOKEN-FORM', async () => withHeader(token, { alg: 'HS256', kid: key.jwk.kid })],
    [
      'a critical header that is not known',
      'TOKEN-FORM',
      async () => withHeader(token, { alg: 'ES256', crit: ['b'], b: 1 }),
    ],
    ['a fourth part', 'TOKEN-FORM', async () => `${token}.x`],
    ['no token', 'TOKEN-FORM', async () => ''],
    ['a megabyte', 'TOKEN-FORM', async () => 'a'.repeat(1_000_000)],
    ['its end', 'TOKEN-EXPIRED', async () => token, 36],
    ['a date in the future', 'TOKEN-EXPIRED', async () => token, -60],
    ['another nonce', 'TOKEN-NONCE', async () => token, 1, 'BBECAwQFBgc'],
  ];
  for (const [what, code, make, seconds = 1, nonce = NONCE] of refused) {
    test(`is refused for ${what}`, async () => {
      const given = await make();
      const keys = tokenKeysOf(keySetOf([key]));
      await assert.rejects(verifyToken(given, keys, { now: at(seconds), nonce }), { code });
    });
  }

  test('without a nonce is refused where one was asked with', async () => {
    const unasked: { -readonly [Name in keyof AttestationResult]: AttestationResult[Name] } = result();
    delete unasked.nonce;
    const given = await signResult(unasked, 'ietf', key);
    await assert.rejects(verifyToken(given, tokenKeysOf(keySetOf([key])), { now: at(1), nonce: NONCE }), {
      code: 'TOKEN-NONCE',
    });
  });

  test('can be read without a key, which proves nothing', () => {
    assert.equal(parseToken(token).status, 'affirming');
    for (const bad of ['', 'a.b', 'a.*.c', 'a..c', token.replace('.', '..')]) {
      assert.throws(() => parseToken(bad), { code: 'TOKEN-FORM' }, bad);
    }
  });
});

function withHeader(jws: string, header: Record<string, unknown>): string {
  return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...jws.split('.').slice(1)].join('.');
}

function withPayload(jws: string, change: Record<string, unknown>): string {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify(Object.assign({}, claims, change))).toString('base64url');
  return [header, changed, signature].join('.');
}

describe('keys of tokens', () => {
  test('are told without their private part, each under its thumbprint', () => {
    const { keys } = keySetOf([key, other]);
    assert.deepEqual(
      keys.map((jwk) => Object.keys(jwk).toSorted()),
      Array.from({ length: 2 }, () => ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']),
    );
    assert.notEqual(keys[0]?.kid, keys[1]?.kid);
  });

  test('that are no P-256 keys are refused', async () => {
    const p384 = execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']);
    for (const pem of ['', 'x', p384.toString()]) {
      await assert.rejects(readTokenKey(pem), { name: 'FormatError', code: 'KEY-PRIVATE' });
    }
  });

  test('made by openssl are taken', async () => {
    const pem = execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
    assert.equal((await readTokenKey(pem.toString())).jwk.crv, 'P-256');
  });

  test('of a text that is no set of keys are refused', () => {
    for (const bad of [null, [], {}, { keys: {} }, { keys: [1] }, { keys: [{}] }]) {
      assert.throws(() => tokenKeysOf(bad), { name: 'FormatError', code: 'KEY-UNKNOWN' });
    }
  });

  test('that cannot be fetched are the fault of the verifier, not of the token', async () => {
    const nobody = tokenKeysAt(new URL('http://127.0.0.1:9/.well-known/jwks.json'));
    await assert.rejects(verifyToken(token, nobody, { now: at(1) }), { code: 'VERIFIER-UNREACHABLE' });
  });
});

describe('a service that lets in only trusted hosts', () => {
  const statusOf = async (shown: string | undefined, seconds = 1): Promise<[number, string]> => {
    const admit = requireTrusted({ keys: tokenKeysOf(keySetOf([key])), now: () => at(seconds) });
    const server = createServer((request, response) => {
      void admit(request, response, () => response.end(String(resultOf(request)?.host['name'])));
    }).listen(0, '127.0.0.1');
    after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const headers = shown === undefined ? {} : { 'attestation-result': shown };
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers });
    const body = await response.text();
    server.close();
    return [response.status, response.ok ? body : (/"code":"([^"]+)"/.exec(body)?.[1] ?? body)];
  };

  test('lets in a host that shows a result which affirms', async () => {
    assert.deepEqual(await statusOf(token), [200, 'web-01']);
  });

  test('refuses a request without a result, with an old one, and with one by somebody else', async () => {
    assert.deepEqual(await statusOf(undefined), [401, 'TOKEN-FORM']);
    assert.deepEqual(await statusOf(token, 60), [401, 'TOKEN-EXPIRED']);
    assert.deepEqual(await statusOf(await signResult(result(), 'ietf', other)), [401, 'TOKEN-KEY-UNKNOWN']);
  });

  test('refuses a host whose result verifies and says no', async () => {
    const bad = await signResult(
      result([{ code: 'IMA-UNKNOWN-DIGEST', severity: 'failed', sentence: 'a stranger ran' }]),
      'ietf',
      key,
    );
    assert.deepEqual(await statusOf(bad), [403, 'TOKEN-REQUIREMENT']);
  });

  test('is not built on a requirement that is none', () => {
    assert.throws(() => requireTrusted({ keys: tokenKeysOf({ keys: [] }), require: ['be good'] }), TypeError);
  });
});
