import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test, type TestContext } from 'node:test';
import { appraise, earClaims, type AttestationResult } from '@assay/core/ear';
import { SimulatedHost } from '@assay/testkit/evidence';
import { startVerifier, type Verifier } from '@assay/verifier';
import { ActivateReply, ApiClient, EnrolReply, route, ROUTES } from '@assay/wire';
import { keySetOf, newTokenKey, readTokenKey, signResult, type TokenKey } from '@assay/wire/token';
import { ASSAY, assay, assertFails, documentIn, scratch } from './assay.ts';

let key: TokenKey;
before(async () => {
  key = await readTokenKey(await newTokenKey());
});

function result(verdict: 'trusted' | 'stale', name = 'web-01'): AttestationResult {
  const issuedAt = Math.floor(Date.now() / 1000);
  return {
    issuedAt,
    expiresAt: issuedAt + 600,
    verifier: { developer: 'tag:assay,2026', build: 'assay test' },
    nonce: 'AAECAwQFBgc',
    appraisals: appraise({ verdict, endorsed: true, openFindings: [], reference: 'reference:web-01/v1' }),
    host: { name },
  };
}

interface Files {
  readonly token: string;
  readonly keys: string;
}

async function written(t: TestContext, of: AttestationResult, trusted: readonly TokenKey[] = [key]): Promise<Files> {
  const directory = scratch(t);
  const [token, keys] = [join(directory, 'result.jwt'), join(directory, 'jwks.json')];
  writeFileSync(token, `${await signResult(of, 'ietf', key)}\n`);
  writeFileSync(keys, JSON.stringify(keySetOf(trusted)));
  return { token, keys };
}

describe('assay token verify', () => {
  test('accepts a result that affirms, and says what is in it', async (t) => {
    const { token, keys } = await written(t, result('trusted'));
    const text = await assay(['token', 'verify', token, '--keys', keys]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /^host web-01\nstatus affirming\n/);
    assert.match(text.stdout, /accepted: it verifies, and says all that is required\n$/);
    const json = await assay(['token', 'verify', token, '--keys', keys, '--nonce', 'AAECAwQFBgc', '-o', 'json']);
    const { schema, verified, met, unmet, key: signer } = documentIn(json);
    assert.deepEqual([schema, verified, met, unmet, signer], ['assay.token-verify.v1', true, true, [], key.jwk.kid]);
  });

  test('says no to a result that says nothing, with each requirement that is not met', async (t) => {
    const { token, keys } = await written(t, result('stale'));
    const json = await assay(['token', 'verify', token, '--keys', keys, '--require', 'executables<=3', '-o', 'json']);
    assert.equal(json.code, 1);
    assert.deepEqual(documentIn(json)['unmet'], [{ requirement: 'executables<=3', found: '0 (none)' }]);
    const text = await assay(['token', 'verify', token, '--keys', keys]);
    assert.equal(text.code, 1);
    assert.match(text.stdout, /not enough: .*\n {2}executables=affirming is required and is 0 \(none\)\n$/);
  });

  test('fetches the keys of a verifier, and says when it cannot', async (t) => {
    const { verifier, host } = await fleet(t);
    const { token } = await written(t, result('trusted'));
    const fetched = join(scratch(t), 'fetched.jwt');
    const got = await assay(['token', 'get', host, '--url', verifier.url]);
    assert.equal(got.code, 0, got.stderr);
    writeFileSync(fetched, got.stdout);
    const address = `${verifier.url}/.well-known/jwks.json`;
    const ended = await assay(['token', 'verify', fetched, '--keys', address, '--require', 'status=affirming']);
    assert.match(ended.stdout, /^host web-07\n/);
    await assertFails(['token', 'verify', token, '--keys', address], { exit: 1, code: 'TOKEN-KEY-UNKNOWN' });
    const nobody = 'http://127.0.0.1:9/.well-known/jwks.json';
    await assertFails(['token', 'verify', token, '--keys', nobody], { exit: 4, code: 'VERIFIER-UNREACHABLE' });
  });

  test('refuses what is not as it should be, each with its code', async (t) => {
    const other = await readTokenKey(await newTokenKey());
    const { token, keys } = await written(t, result('trusted'));
    const unknown = await written(t, result('trusted'), [other]);
    const old = { ...result('trusted'), issuedAt: 1_700_000_000, expiresAt: 1_700_000_030 };
    const past = await written(t, old);
    const junk = join(scratch(t), 'junk');
    writeFileSync(junk, 'no token');
    await assertFails(['token', 'verify', unknown.token, '--keys', unknown.keys], {
      exit: 1,
      code: 'TOKEN-KEY-UNKNOWN',
    });
    await assertFails(['token', 'verify', past.token, '--keys', past.keys], { exit: 1, code: 'TOKEN-EXPIRED' });
    await assertFails(['token', 'verify', token, '--keys', keys, '--nonce', 'BBECAwQFBgc'], {
      exit: 1,
      code: 'TOKEN-NONCE',
    });
    await assertFails(['token', 'verify', junk, '--keys', keys], { exit: 3, code: 'TOKEN-FORM' });
    await assertFails(['token', 'verify', token, '--keys', junk], { exit: 3, code: 'KEY-UNKNOWN' });
    await assertFails(['token', 'verify', token, '--keys', '/nowhere'], { exit: 3, code: 'ENOENT' });
    await assertFails(['token', 'verify', '/dev/zero', '--keys', keys], { exit: 3, code: 'INPUT-FILE' });
    await assertFails(['token', 'verify', token, '--keys', keys, '--require', 'be good'], { exit: 2, code: 'USAGE' });
  });
});

describe('assay token show', () => {
  test('says what is in a result, and that nothing shows who wrote it', async (t) => {
    const { token } = await written(t, result('trusted', 'web\u202e\u001b[31m'));
    const text = await assay(['token', 'show', token]);
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^not verified: nothing shows who wrote this\nhost web\\u\{202e\}\\u\{1b\}\[31m\n/);
    const json = documentIn(await assay(['token', 'show', token, '-o', 'json']));
    assert.deepEqual([json['schema'], json['verified']], ['assay.token-show.v1', false]);
  });

  test('stops reading standard input that is no token', () => {
    const ended = spawnSync('sh', ['-c', `exec "$0" "$1" token show - </dev/zero`, process.execPath, ASSAY], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.deepEqual([ended.status, ended.stdout], [3, '']);
    assert.match(ended.stderr, /^error BYTES-LIMIT: /);
  });

  test('shows a time that no calendar has', async (t) => {
    const claims = { ...earClaims(result('trusted'), 'ietf'), iat: Number.MAX_SAFE_INTEGER, exp: 0 };
    const token = join(scratch(t), 'far.jwt');
    writeFileSync(token, `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AA`);
    assert.match((await assay(['token', 'show', token])).stdout, /from 9007199254740991 s until 1970-01-01T00:00:00/);
  });
});

test('assay token get fails for a host that is not there, and without a verifier', async (t) => {
  const { verifier } = await fleet(t);
  await assertFails(['token', 'get', 'nobody', '--url', verifier.url], { exit: 1, code: 'REQUEST-NOT-FOUND' });
  await assertFails(['token', 'get', 'web-07', '--url', 'http://127.0.0.1:9'], {
    exit: 4,
    code: 'VERIFIER-UNREACHABLE',
  });
});

async function fleet(t: TestContext): Promise<{ verifier: Verifier; host: string }> {
  const tokens = { operator: 'operator-token', join: 'join-token' };
  const verifier = await startVerifier({ store: `sqlite:${join(scratch(t), 'db')}`, port: 0, tokens });
  t.after(() => verifier.close());
  const host = await SimulatedHost.boot({ name: 'web-07' });
  const client = new ApiClient(verifier.url, tokens.join);
  const begun = await client.call(ROUTES.enrol, EnrolReply, { body: await host.enrolRequest() });
  const secret = await host.openCredential(begun);
  await client.call(route(ROUTES.activate, begun.enrolment), ActivateReply, { body: { secret } });
  return { verifier, host: 'web-07' };
}
