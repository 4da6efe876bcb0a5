import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { z } from 'zod';
import { assay, assertFails, documentIn, ROOT, scratch, UNSAFE } from './assay.ts';

const LIST = `${ROOT}packages/core/test/vectors/lists/6.1/binary_runtime_measurements`;
const BESIDE = `${ROOT}../shared/vectors/keylime`;
const A = `sha256:${'aa'.repeat(32)}`;
const B = `sha256:${'bb'.repeat(32)}`;
const CREATED = '2026-11-22T00:00:00Z';

const EMPTY = {
  schema: 'assay.reference.v1',
  name: 'web',
  version: 1,
  created: CREATED,
  pools: [],
  files: [],
  buffers: [],
  keyrings: [],
  ignoredKeyrings: [],
  keys: [],
  excludes: [],
  denied: [],
  bootAggregate: { banks: ['sha256'], listed: [] },
};
const openssl = (version: string, digests: string[]) => ({
  id: `openssl_${version}`,
  kind: 'package',
  name: 'openssl',
  version,
  digests: digests.map((digest, index) => ({ digest, paths: [`/usr/bin/${index}`] })),
});

function written(t: TestContext, documents: Readonly<Record<string, object>>): (name: string) => string {
  const directory = scratch(t);
  for (const [name, document] of Object.entries(documents)) {
    writeFileSync(join(directory, name), JSON.stringify({ ...EMPTY, ...document }, null, 2));
  }
  return (name) => join(directory, name);
}

function makeKey(path: string, ...kind: string[]): void {
  for (const args of [
    ['genpkey', ...kind, '-out', path],
    ['pkey', '-in', path, '-pubout', '-out', `${path}.pub`],
  ]) {
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8', timeout: 120_000 });
    assert.equal(status, 0, stderr);
  }
}

describe('assay reference', () => {
  test('signs by every kind of key, adds signatures, and verifies by each', async (t) => {
    const at = written(t, { 'v1.json': {} });
    makeKey(at('ed'), '-algorithm', 'ed25519');
    makeKey(at('ec'), '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
    makeKey(at('rsa'), '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
    let file = at('v1.json');
    for (const name of ['ed', 'ec', 'rsa']) {
      const out = at(`${name}.signed`);
      const ended = await assay(['reference', 'sign', file, '--key', at(name), '--out', out]);
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      file = out;
    }
    for (const name of ['ed', 'ec', 'rsa']) {
      const ended = await assay(['reference', 'verify', file, '--public-key', at(`${name}.pub`), '-o', 'json']);
      const { signer, version } = z.looseObject({ signer: z.string(), version: z.int() }).parse(documentIn(ended));
      assert.deepEqual([ended.code, signer, version], [0, at(`${name}.pub`), 1]);
    }
    const first = at('ed.signed');
    await assertFails(['reference', 'verify', first, '--public-key', at('ec.pub')], {
      exit: 1,
      code: 'POLICY-SIGNATURE',
    });
    await assertFails(['reference', 'verify', first], { exit: 2, code: 'USAGE' });
    await assertFails(['reference', 'verify', at('v1.json'), '--public-key', at('ec.pub')], {
      exit: 3,
      code: 'ENVELOPE-FORM',
    });
    await assertFails(['reference', 'verify', first, '--public-key', at('ed')], { exit: 3, code: 'PEM-FORM' });
  });

  test('refuses lower versions and those whose time is over', async (t) => {
    const at = written(t, {
      'v1.json': { validUntil: '2026-12-01T00:00:00Z' },
      'v2.json': { version: 2 },
      'other.json': { note: 'another content', validUntil: '2026-12-01T00:00:00Z' },
    });
    makeKey(at('key'), '-algorithm', 'ed25519');
    const signed = at('v1.signed');
    await assay(['reference', 'sign', at('v1.json'), '--key', at('key'), '--out', signed]);
    const trusting = ['reference', 'verify', signed, '--public-key', at('key.pub'), '--at', CREATED];
    const verifyArgs = (...more: string[]) => [...trusting, ...more];
    const verify = (...more: string[]) => assay(verifyArgs(...more));
    assert.equal((await verify()).code, 0);
    assert.equal((await verify('--in-force', at('v1.json'))).code, 0);
    await assertFails(verifyArgs('--in-force', at('v2.json')), { exit: 1, code: 'POLICY-ROLLBACK' });
    await assertFails(verifyArgs('--in-force', at('other.json')), { exit: 1, code: 'POLICY-ROLLBACK' });
    await assertFails(verifyArgs('--at', '2026-12-01T00:00:01Z'), { exit: 1, code: 'POLICY-EXPIRED' });
  });

  test('compares two versions by package', async (t) => {
    const at = written(t, {
      'v1.json': { pools: [openssl('3.0.13', [A])], denied: [] },
      'v2.json': { version: 2, pools: [openssl('3.0.14', [B])], denied: [{ digest: A, reason: 'CVE' }] },
    });
    const { code, stdout } = await assay(['reference', 'diff', at('v1.json'), at('v2.json')]);
    assert.deepEqual([code, stdout], [1, `openssl: 3.0.13 -> 3.0.14, 1 file updated\ndenied: added ${A}\n`]);
    const same = await assay(['reference', 'diff', at('v1.json'), at('v1.json')]);
    assert.deepEqual([same.code, same.stdout], [0, 'no difference\n']);
  });

  test('says what a candidate would make of lists, what is not used and which holes are', async (t) => {
    const hole = { form: 'glob', reason: 'r', owner: 'o', expires: '2099-01-01T00:00:00Z' };
    const at = written(t, {
      'v1.json': {
        excludes: [
          { ...hole, pattern: '/**' },
          { ...hole, pattern: '[a-z]*' },
        ],
      },
      'v2.json': { version: 2, pools: [openssl('3', [A])] },
    });
    const list = ['--list', `one=${LIST}`];
    const before = await assay(['reference', 'simulate', at('v1.json'), ...list, '-o', 'json']);
    const shape = z.looseObject({
      hosts: z.array(z.looseObject({ host: z.string(), before: z.string(), after: z.string() })),
      changes: z.array(z.looseObject({ before: z.string(), after: z.string(), hosts: z.array(z.string()) })),
      excludes: z.array(z.looseObject({ pattern: z.string(), entries: z.int(), hosts: z.int() })),
    });
    const open = shape.parse(documentIn(before));
    assert.equal(open.excludes[0]?.pattern, '/**');
    assert.ok((open.excludes[0]?.entries ?? 0) > 0);
    const after = await assay(['reference', 'simulate', at('v2.json'), '--in-force', at('v1.json'), ...list]);
    assert.equal(after.code, 1);
    assert.match(after.stdout, /^one {2}.*failed/);
    assert.match(after.stdout, /\nexcluded -> unknown {2}\S/);
    assert.match(after.stdout, /\nnot used: 1 of 1 digests of openssl_3\n/);
    assert.ok(!UNSAFE.test(after.stdout));
  });

  test('shows what a file holds, and what it says of a digest', async (t) => {
    const at = written(t, { 'v1.json': { pools: [openssl('3', [A])], denied: [{ digest: B, reason: 'bad' }] } });
    const { code, stdout } = await assay(['reference', 'show', at('v1.json')]);
    assert.equal(code, 0);
    assert.match(stdout, /^name +web version 1\ndigest +sha256:[0-9a-f]{64}\n/);
    const good = await assay(['reference', 'show', at('v1.json'), '--digest', A]);
    assert.deepEqual([good.code, good.stdout], [0, 'openssl_3: /usr/bin/0\n']);
    const denied = await assay(['reference', 'show', at('v1.json'), '--digest', B]);
    assert.deepEqual([denied.code, denied.stdout], [1, 'denied: bad\n']);
    await assertFails(['reference', 'show', at('v1.json'), '--digest', 'aa'], { exit: 2, code: 'USAGE' });
  });

  test('refuses what is not of its form, by the name of the member', async (t) => {
    const at = written(t, { 'bad.json': { version: 0 } });
    const ended = await assertFails(['reference', 'show', at('bad.json')], { exit: 3, code: 'REFERENCE-FORM' });
    assert.match(ended.stderr, /version is no whole number/);
  });

  test('writes a policy for Keylime and reads it again', async (t) => {
    const at = written(t, {
      'v1.json': { files: [{ path: '/usr/bin/a', digests: [A] }], denied: [{ digest: B, reason: 'x' }] },
    });
    const out = at('policy.json');
    const given = await assay(['reference', 'export', at('v1.json'), '--out', out]);
    assert.equal(given.code, 0);
    assert.match(given.stdout, /denied: 1 left out: a runtime policy cannot deny/);
    const policy = z.looseObject({ digests: z.unknown() }).parse(JSON.parse(readFileSync(out, 'utf8')));
    assert.deepEqual(policy.digests, { '/usr/bin/a': ['aa'.repeat(32)] });
    const taken = await assay(['reference', 'import', out, '--name', 'web', '--out', at('again.json')]);
    assert.equal(taken.code, 0);
    const diff = await assay(['reference', 'diff', at('v1.json'), at('again.json')]);
    assert.equal(diff.stdout, `denied: removed ${B}\n`);
  });
});

const skip = existsSync(BESIDE) ? false : 'the runtime policies of Keylime are not beside the project';

test('a signed runtime policy of Keylime is imported by its key only, and not when it was changed', {
  skip,
}, async (t) => {
  const out = join(scratch(t), 'v1.json');
  const takeArgs = (file: string, ...key: string[]) => [
    'reference',
    'import',
    `${BESIDE}/${file}`,
    '--name',
    'kl',
    '--out',
    out,
    ...key,
  ];
  const take = (...args: Parameters<typeof takeArgs>) => assay(takeArgs(...args));
  const key = ['--public-key', `${BESIDE}/runtime-policy-pubkey.pub`];
  await assertFails(takeArgs('runtime-policy-test-signed.json'), { exit: 2, code: 'USAGE' });
  assert.match((await take('runtime-policy-test-signed.json', ...key)).stdout, /kl version 1, 20 paths/);
  assert.notEqual((await take('runtime-policy-test-signed-bad.json', ...key)).code, 0);
  await assertFails(takeArgs('runtime-policy-test.json', ...key), { exit: 2, code: 'USAGE' });
});
