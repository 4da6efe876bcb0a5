import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';
import { assay, isRoot, type Ended } from './assay.ts';

const ENGINE = ['--engine', 'gost'];
const CONFIGURATION = `openssl_conf = all
[all]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
`;
/** Curve and hash of GOST R 34.10-2012 have one size. */
const SIZES = [
  ['256', 'A'],
  ['512', 'A'],
] as const;

const cwd = mkdtempSync(join(tmpdir(), 'assay-gost-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

function run(program: string, ...words: readonly string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

function ours(...words: readonly string[]): Promise<Ended> {
  return assay(['evmctl', ...words], { cwd });
}

function engineMissing(): string | false {
  const { code, text } = run('openssl', 'engine', 'gost');
  return code === 0 ? false : `OpenSSL has no engine for GOST: apt-get install libengine-gost-openssl (${text.trim()})`;
}

const skip = (isRoot ? false : 'only root writes security.ima') || evmctlMissing() || engineMissing();

describe('evmctl with keys of GOST R 34.10-2012', { skip }, () => {
  before(() => {
    for (const [size, set] of SIZES) {
      const key = ['-newkey', `gost2012_${size}`, '-pkeyopt', `paramset:${set}`, '-nodes', '-keyout', `${size}.pem`];
      const made = run(
        'openssl',
        'req',
        '-engine',
        'gost',
        '-x509',
        ...key,
        '-subj',
        '/CN=gost',
        '-outform',
        'DER',
        '-out',
        `${size}.der`,
      );
      assert.equal(made.code, 0, made.text);
    }
  });

  for (const [size] of SIZES) {
    const hash = ['-a', `streebog${size}`];
    const sign = ['ima_sign', ...ENGINE, ...hash, '--key', `${size}.pem`];
    const verify = ['ima_verify', ...ENGINE, ...hash, '--key', `${size}.der`];

    test(`signs with ${size} bits what Debian's verifies, and nothing else`, async () => {
      const file = `ours-${size}`;
      writeFileSync(join(cwd, file), 'content');
      const signed = await ours(...sign, file);
      assert.equal(signed.code, 0, signed.stderr);
      assert.equal(run(DEBIAN_EVMCTL, ...verify, file).code, 0);
      writeFileSync(join(cwd, file), 'changed');
      assert.equal(run(DEBIAN_EVMCTL, ...verify, file).code, 1);
    });

    test(`verifies what Debian's signed with ${size} bits, and nothing else`, async () => {
      const file = `theirs-${size}`;
      writeFileSync(join(cwd, file), 'content');
      assert.equal(run(DEBIAN_EVMCTL, ...sign, file).code, 0);
      assert.equal((await ours(...verify, file)).code, 0);
      writeFileSync(join(cwd, file), 'changed');
      assert.equal((await ours(...verify, file)).code, 1);
    });

    test(`writes the digest of streebog${size} as Debian's does`, async () => {
      writeFileSync(join(cwd, 'file'), 'content');
      const [here, there] = [
        await ours('ima_hash', ...ENGINE, ...hash, 'file'),
        run(DEBIAN_EVMCTL, 'ima_hash', ...ENGINE, ...hash, 'file'),
      ];
      assert.equal(here.code, 0, here.stderr);
      assert.ok(there.text.includes(here.stdout.trim()), there.text);
    });
  }

  test('takes an engine that the configuration of OpenSSL loads, for metadata too', async () => {
    writeFileSync(join(cwd, 'gost.cnf'), CONFIGURATION);
    writeFileSync(join(cwd, 'metadata'), 'content');
    const env = { OPENSSL_CONF: join(cwd, 'gost.cnf') };
    const sign = ['sign', '--imahash', '--uuid', '-a', 'streebog256', '--key', '256.pem', 'metadata'];
    const signed = await assay(['evmctl', ...sign], { cwd, env });
    assert.equal(signed.code, 0, signed.stderr);
    const verify = ['verify', ...ENGINE, '--uuid', '--key', '256.der', 'metadata'];
    assert.equal(run(DEBIAN_EVMCTL, ...verify).code, 0);
    assert.equal((await ours(...verify)).code, 0);
    chmodSync(join(cwd, 'metadata'), 0o600);
    assert.equal(run(DEBIAN_EVMCTL, ...verify).code, 1);
    assert.equal((await ours(...verify)).code, 1);
  });

  test('without the engine says so, and writes nothing', async () => {
    writeFileSync(join(cwd, 'left'), 'content');
    const words = ['ima_sign', '-a', 'streebog256', '--key', '256.pem', 'left'];
    const { code, stdout } = await ours(...words);
    assert.deepEqual([code, stdout], [run(DEBIAN_EVMCTL, ...words).code, '']);
    assert.notEqual(code, 0);
    assert.equal(run('getfattr', '-m', 'security.ima', 'left').text, '');
  });

  test('assay file sign says which command takes them', async () => {
    writeFileSync(join(cwd, 'left'), 'content');
    const words = ['file', 'sign', '--key', '256.pem', '--cert', '256.der', 'left'];
    const { code, stderr } = await assay(words, { cwd });
    assert.equal(code, 3);
    assert.match(stderr, /^error KEY-UNKNOWN: [^]*assay evmctl/);
  });
});
