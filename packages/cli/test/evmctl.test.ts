import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { getXattr } from '@assay/linux/xattr';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';
import { ASSAY, isRoot } from './assay.ts';
import { getopt, type OptionRule } from '../src/evmctl/getopt.ts';

const OURS = fileURLToPath(new URL('../bin/evmctl.js', import.meta.url));
const missing = evmctlMissing() || (!isRoot && 'only root writes security.*');
const UUID = '--uuid=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';

const directory = mkdtempSync(join(tmpdir(), 'assay-evmctl-'));
after(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

interface Given {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function ran(program: string, words: readonly string[], { input = '', env = {} }: Given = {}) {
  return spawnSync(program, words, {
    cwd: directory,
    input,
    encoding: 'latin1',
    env: { PATH: process.env['PATH'], ...env },
  });
}

const theirs = (...words: string[]) => ran(DEBIAN_EVMCTL, words);
const ours = (...words: string[]) => ran(process.execPath, [OURS, ...words]);

function makeKey(name: string, algorithm: readonly string[]): void {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' });
  openssl('genpkey', '-out', `${name}.pem`, '-algorithm', ...algorithm);
  openssl('req', '-x509', '-new', '-subj', '/CN=t', '-key', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`);
  openssl('pkey', '-in', `${name}.pem`, '-pubout', '-out', `${name}.pub`);
}

function file(name: string, content = 'what is labelled\n'): Uint8Array {
  writeFileSync(at(name), content);
  return Buffer.from(at(name));
}

/** That both did the same; the result of ours. */
function same(...words: string[]) {
  const [expected, actual] = [theirs(...words), ours(...words)];
  assert.deepEqual([actual.status, actual.stdout], [expected.status, expected.stdout], actual.stderr + expected.stderr);
  return actual;
}

function succeeds(ended: ReturnType<typeof ran>): void {
  assert.equal(ended.status, 0, ended.stderr);
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  rsa: ['rsa', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'],
  // Only the openssl command knows it.
  p192: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime192v1'],
};
const SIGNS: readonly (readonly [verify: string, ...sign: string[]])[] = [
  ['ima_verify', 'ima_sign'],
  ['ima_verify', 'ima_sign', '-a', 'sha512', '--keyid', 'aabbccdd'],
  ['verify', 'sign', '--imahash', UUID],
  ['verify', 'sign', '--imasig', UUID, '--m32', '--smack'],
  ['verify', 'sign', '--imahash', '--portable'],
];

for (const [name, algorithm] of Object.entries(KEYS)) {
  describe(`evmctl with a key of kind ${name}`, { skip: missing }, () => {
    if (missing === false) makeKey(name, algorithm);
    for (const [verify, ...sign] of SIGNS) {
      const key = ['--key', `${name}.der`];
      const more = sign.filter((word) => word === UUID || word.startsWith('--m32') || word === '--smack');
      const known = !sign.includes('--keyid');

      test(`verifies what Debian's signs with ${sign.join(' ')}, until it is altered`, () => {
        file('f');
        succeeds(theirs(...sign, '--key', `${name}.pem`, 'f'));
        assert.equal(ours(verify, ...more, ...key, 'f').status, known ? 0 : 1);
        writeFileSync(at('f'), 'altered\n');
        if (verify === 'ima_verify') assert.equal(ours(verify, ...key, 'f').status, 1);
        else if (!sign.includes('--portable')) assert.equal(ours(verify, ...more, '--uid', '7', ...key, 'f').status, 1);
      });

      test(`signs with ${sign.join(' ')} what Debian's verifies`, () => {
        file('f');
        succeeds(ours(...sign, '--key', `${name}.pem`, 'f'));
        assert.equal(theirs(verify, ...more, ...key, 'f').status, known ? 0 : 1);
      });
    }
  });
}

describe('evmctl', { skip: missing }, () => {
  if (missing === false) makeKey('own', KEYS['rsa'] ?? []);

  for (const words of [
    ['ima_hash', 'f'],
    ['ima_hash', '-a', 'sha1', '-n', 'f'],
    ['ima_sign', '-n', '--key', 'own.pem', 'f'],
    [
      'sign',
      '-n',
      '-a',
      'sha1',
      UUID,
      '--ino',
      '7',
      '--generation=3',
      '--mode',
      '33188',
      '--caps=x',
      '--key',
      'own.pem',
      'f',
    ],
    ['sign', '-n', '-i', '--key', 'own.pem', 'f'],
    ['sign', '-n', UUID, '--m64', '--sel', 'label', '--key', 'own.pem', 'f'],
    ['ima_hash', 'directory'],
    ['ima_verify', '--key', 'own.der', 'nofile'],
    ['ima_clear', 'f'],
    ['ima_fix', 'f'],
  ]) {
    test(`does what Debian's does: ${words.join(' ')}`, () => {
      file('f');
      mkdirSync(at('directory'), { recursive: true });
      same(...words);
    });
  }

  test('computes the HMAC of values, struct h_misc and UUID, by the key filled up to 128 bytes', () => {
    const target = file('f');
    writeFileSync(at('key'), 'k'.repeat(100));
    const { status, stderr } = ours('hmac', '--imahash', UUID, '--m32', '--hmackey', 'key', 'f');
    assert.equal(status, 0, stderr);
    const [, generation] = /^generation: (\d+)$/m.exec(stderr.replace(/^hash.*\n/, '')) ?? [];
    const { ino, uid, gid, mode } = statSync(at('f'));
    const misc = Buffer.alloc(20);
    [ino, Number(generation), uid, gid, mode].forEach((value, index) => misc.writeUInt32LE(value, 4 * index));
    const hmac = createHmac('sha1', Buffer.concat([Buffer.from('k'.repeat(100)), Buffer.alloc(28)]));
    hmac.update(getXattr(target, 'security.ima') ?? '').update(misc);
    hmac.update(Buffer.from(UUID.slice('--uuid='.length).replaceAll('-', ''), 'hex'));
    assert.deepEqual(Buffer.from(getXattr(target, 'security.evm') ?? []), Buffer.concat([Buffer.of(2), hmac.digest()]));
  });

  test('signs and verifies in version 1 both ways', () => {
    file('f');
    succeeds(ours('ima_sign', '--rsa', '--key', 'own.pem', 'f'));
    succeeds(theirs('ima_verify', '--rsa', '--key', 'own.pub', 'f'));
    succeeds(theirs('ima_sign', '--rsa', '-a', 'sha1', '--key', 'own.pem', 'f'));
    succeeds(ours('ima_verify', '--rsa', '--key', 'own.pub', 'f'));
    writeFileSync(at('f'), 'altered\n');
    assert.equal(ours('ima_verify', '--rsa', '--key', 'own.pub', 'f').status, 1);
  });

  test("stores a detached signature of Debian's", () => {
    const target = file('f');
    succeeds(theirs('ima_sign', '--sigfile', '--key', 'own.pem', 'f'));
    succeeds(ours('ima_clear', 'f'));
    succeeds(ours('ima_setxattr', 'f'));
    assert.deepEqual(Buffer.from(getXattr(target, 'security.ima') ?? []), readFileSync(at('f.sig')));
    succeeds(ours('ima_verify', '--sigfile', '--key', 'own.der', 'f'));
  });

  test('labels a tree with -r, with a key of a relative name, and goes on after a failure', () => {
    mkdirSync(at('tree/below'), { recursive: true });
    for (const name of ['tree/a', 'tree/below/b']) file(name);
    succeeds(ours('sign', '-r', '--imasig', UUID, '--key', 'own.pem', 'tree'));
    for (const name of ['tree/a', 'tree/below/b']) {
      succeeds(theirs('ima_verify', '--key', 'own.der', name));
      succeeds(theirs('verify', UUID, '--key', 'own.der', name));
    }
    const failed = ours('ima_sign', '-r', '--key', 'nokey', 'tree');
    assert.equal(failed.status, 0);
    assert.equal(failed.stderr.match(/Failed to open keyfile: nokey/g)?.length, 2);
  });

  test("signs the digests of sha256sum as Debian's does, and of fs-verity", () => {
    const input = `${'5a'.repeat(32)}  one\n${'00'.repeat(32)} two\n`;
    const words = ['sign_hash', '--key', 'own.pem'];
    const [expected, actual] = [
      ran(DEBIAN_EVMCTL, words, { input }),
      ran(process.execPath, [OURS, ...words], { input }),
    ];
    assert.deepEqual([actual.status, actual.stdout], [expected.status, expected.stdout]);
    const verity = ran(process.execPath, [OURS, ...words, '--veritysig'], { input: `sha256:${'5a'.repeat(32)} one\n` });
    assert.match(verity.stdout, /^sha256:(?:5a){32} one 060304[0-9a-f]{8}0100[0-9a-f]{512}\n$/);
  });

  test('takes the passphrase from --pass, from the environment, and fails without one', () => {
    file('f');
    execFileSync('openssl', ['pkcs8', '-topk8', '-in', 'own.pem', '-out', 'secret.pem', '-passout', 'pass:open'], {
      cwd: directory,
    });
    const words = ['ima_sign', '-n', '--key', 'secret.pem', 'f'];
    const expected = theirs('ima_sign', '-n', '--key', 'own.pem', 'f').stdout;
    assert.equal(ours(...words, '--pass=open').stdout, expected);
    assert.equal(ran(process.execPath, [OURS, ...words], { env: { EVMCTL_KEY_PASSWORD: 'open' } }).stdout, expected);
    assert.equal(ours(...words, '-pwrong').status, 125);
    assert.equal(ours(...words).status, 125);
  });

  test('is what `assay evmctl` is', () => {
    const words = ['-v', 'help', 'hmac'];
    const { status, stdout } = ran(process.execPath, [ASSAY, 'evmctl', ...words]);
    assert.deepEqual([status, stdout], [0, ours(...words).stdout]);
    assert.match(stdout, /^usage: hmac /);
  });

  test('does not wait for keys that never end', () => {
    file('f');
    succeeds(theirs('ima_sign', '--rsa', '--key', 'own.pem', 'f'));
    assert.equal(ours('ima_verify', '--rsa', '--key', '/dev/zero', 'f').status, 1);
    assert.equal(ours('ima_verify', '--key', '/dev/zero', 'f').status, 1);
    assert.equal(ours('ima_sign', '--key', '/dev/zero', 'f').status, 125);
  });

  test('refuses labels that are none, each with a message and exit code 1', () => {
    const target = file('f');
    for (const hex of [
      '03',
      '0302',
      '030204aabbccdd0004aabbcc',
      '0302ffaabbccdd0001aa',
      '07',
      '0301',
      '060304aabbccdd0001aa',
    ]) {
      execFileSync('setfattr', ['-n', 'user.ima', '-v', `0x${hex}`, at('f')]);
      const { status, stderr } = ours('ima_verify', '--xattr-user', '--key', 'own.der', 'f');
      assert.equal(status, 1, hex);
      assert.match(stderr, /f: (?:Invalid signature|xattr ima has no signature|calculating the fs-verity digest)/, hex);
    }
    assert.ok(getXattr(target, 'user.ima') !== undefined);
  });
});

const RULES: readonly OptionRule<'all' | 'size' | 'sides' | 'with'>[] = [
  { key: 'all', long: 'all', short: 'a', argument: 'none' },
  { key: 'size', long: 'size', short: 's', argument: 'required' },
  { key: 'sides', long: 'sides', argument: 'none' },
  { key: 'with', long: 'with', short: 'w', argument: 'optional' },
];

describe('getopt', () => {
  const option = (key: string, value?: string) => ({ kind: 'option', key, value });
  const operand = (word: string) => ({ kind: 'operand', word });
  const wrong = (message: string) => ({ kind: 'wrong', message });
  const cases: readonly (readonly [line: string, ...found: object[]])[] = [
    ['x -a y', operand('x'), option('all'), operand('y')],
    ['-as5 -s 6', option('all'), option('size', '5'), option('size', '6')],
    ['--size=5 --size 6 --siz 7', option('size', '5'), option('size', '6'), option('size', '7')],
    [
      '-w5 -w 6 --with=7 --with 8',
      option('with', '5'),
      option('with'),
      operand('6'),
      option('with', '7'),
      option('with'),
      operand('8'),
    ],
    ['--size= --with=', option('size', ''), option('with', '')],
    ['-- -a --', operand('-a'), operand('--')],
    ['- --a', operand('-'), option('all')],
    ['--si', wrong("option '--si' is ambiguous; possibilities: '--size' '--sides'")],
    ['--none', wrong("unrecognized option '--none'")],
    ['--all=1', wrong("option '--all' doesn't allow an argument")],
    ['--size', wrong("option '--size' requires an argument")],
    ['-s', wrong("option requires an argument -- 's'")],
    ['-xa', wrong("invalid option -- 'x'"), option('all')],
  ];
  for (const [line, ...found] of cases) {
    test(`reads ${line}`, () => {
      assert.deepEqual([...getopt(line.split(' '), RULES)], found);
    });
  }
});
