import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { getXattr } from '@assay/linux/xattr';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';
import { ASSAY, assay, assertFails, documentIn, isRoot, launch, ordinaryUser, scratch, UNSAFE } from './assay.ts';

const skip = isRoot ? false : 'only root writes security.*';
const noEvmctl = evmctlMissing() || skip;

function run(cwd: string, program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** A tree with everything that a walk meets. */
function tree(t: TestContext): string {
  const directory = scratch(t);
  const root = join(directory, 'tree');
  mkdirSync(join(root, 'sub'), { recursive: true });
  for (const [name, content] of [
    ['a', 'one'],
    ['sub/b', 'two'],
    ['sub/empty', ''],
    ['sub/\u001b[31mred', 'x'],
  ] as const) {
    writeFileSync(join(root, name), content);
  }
  linkSync(join(root, 'a'), join(root, 'sub/z'));
  symlinkSync('a', join(root, 'link'));
  run(root, 'mkfifo', 'pipe');
  return directory;
}

interface Summary {
  readonly files: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly [state: string]: number | boolean | Readonly<Record<string, number>>;
}

interface Row {
  readonly path: string;
  readonly state: string;
  readonly label?: string;
  readonly code?: string;
}

async function json(
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; files: Row[]; summary: Summary }> {
  const ended = await assay([...args, '-o', 'json'], { cwd });
  const { files, summary } = documentIn(ended) as unknown as { files: Row[]; summary: Summary };
  return { code: ended.code, files, summary };
}

const ima = (cwd: string, path: string): string =>
  /security\.ima=0x([0-9a-f]+)/.exec(run(cwd, 'getfattr', '-e', 'hex', '-n', 'security.ima', path))?.[1] ?? '';

async function key(cwd: string, name: string, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await assay(['key', 'generate', '--out', `${name}.pem`, '--cert', `${name}.der`, ...more], {
    cwd,
  });
  assert.equal(code, 0, stderr);
}

describe('assay file hash', { skip }, () => {
  test('labels a tree, once, and says what it met; a second run finds all right', async (t) => {
    const cwd = tree(t);
    const dry = await json(['file', 'hash', '--dry-run', 'tree'], cwd);
    assert.deepEqual([dry.code, dry.summary['would-change']], [0, 4]);
    assert.equal(spawnSync('getfattr', ['-n', 'security.ima', join(cwd, 'tree/a')]).status, 1);
    const first = await json(['file', 'hash', 'tree'], cwd);
    assert.deepEqual([first.code, first.summary.files, first.summary['changed']], [0, 4, 4]);
    const { special, symbolicLinks, hardLinks } = first.summary.skipped;
    assert.deepEqual([special, symbolicLinks, hardLinks], [1, 1, 1]);
    assert.equal(ima(cwd, 'tree/a'), '04047692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    const second = await json(['file', 'hash', 'tree'], cwd);
    assert.deepEqual([second.summary['changed'], second.summary['unchanged']], [0, 4]);
  });

  test('shows names escaped, on request each, and always those that fail', async (t) => {
    const cwd = tree(t);
    const quiet = await assay(['file', 'hash', 'tree', 'nothing'], { cwd });
    assert.equal(quiet.code, 3);
    assert.match(
      quiet.stdout,
      /^failed nothing {2}SYSTEM-CALL: open: ENOENT\n5 files .*: 4 labelled, 1 failed\nleft out: /,
    );
    const all = await assay(['file', 'hash', '--verbose', 'tree'], { cwd });
    assert.equal(all.code, 0);
    assert.match(all.stdout, /^unchanged tree\/sub\/\\x1b\[31mred$/m);
    assert.ok(!UNSAFE.test(all.stdout));
  });

  test('keeps to patterns', async (t) => {
    const cwd = tree(t);
    const { files, summary } = await json(['file', 'hash', '--include', '[ab]', '--exclude', '**/sub', 'tree'], cwd);
    assert.deepEqual([files.map(({ path }) => path), summary.skipped['excluded']], [['tree/a'], 1]);
  });

  test('by somebody without the privilege ends with 5', async (t) => {
    const cwd = tree(t);
    const { user } = ordinaryUser(t);
    const options = user === undefined ? { cwd } : { cwd, user };
    run(cwd, 'chmod', '-R', 'a+rX', '.');
    const { code, stdout } = await assay(['file', 'hash', 'tree'], options);
    assert.equal(code, 5, stdout);
    assert.match(stdout, /NOT-PERMITTED: setxattr of security\.ima: EPERM; it needs CAP_SYS_ADMIN/);
  });
});

describe('assay file sign and verify', { skip: noEvmctl }, () => {
  test('agree with each other and with evmctl, and see a change', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'ima', '--type', 'rsa2048');
    assert.equal((await json(['file', 'sign', '--key', 'ima.pem', 'tree'], cwd)).summary['changed'], 4);
    for (const name of ['a', 'sub/b', 'sub/empty'])
      run(cwd, DEBIAN_EVMCTL, 'ima_verify', '--key', 'ima.der', join('tree', name));
    assert.equal((await json(['file', 'sign', '--key', 'ima.pem', 'tree'], cwd)).summary['unchanged'], 4);
    assert.equal((await json(['file', 'verify', '--cert', 'ima.der', 'tree'], cwd)).code, 0);
    appendFileSync(join(cwd, 'tree/a'), '!');
    const { code, files } = await json(['file', 'verify', '--cert', 'ima.der', 'tree'], cwd);
    assert.equal(code, 1);
    assert.deepEqual(
      files.filter(({ state }) => state !== 'right').map(({ path, code: why }) => [path, why]),
      [['tree/a', 'IMA-SIG-INVALID']],
    );
    assert.equal((await json(['file', 'hash', 'tree'], cwd)).summary['kept'], 4);
    assert.equal((await json(['file', 'hash', '--replace', 'tree'], cwd)).summary['changed'], 4);
  });

  test('verify what evmctl signed', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'ima', '--type', 'p256');
    run(cwd, DEBIAN_EVMCTL, 'ima_sign', '-r', '--key', join(cwd, 'ima.pem'), 'tree');
    assert.equal((await json(['file', 'verify', '--cert', 'ima.der', 'tree'], cwd)).summary['right'], 4);
  });

  test('take an encrypted key with its passphrase from a file or the environment', async (t) => {
    const cwd = tree(t);
    writeFileSync(join(cwd, 'pass'), 'secret words\nmore\n');
    await key(cwd, 'locked', '--type', 'p384', '--passphrase-from', 'file:pass');
    assert.match(readFileSync(join(cwd, 'locked.pem'), 'latin1'), /ENCRYPTED/);
    assert.equal(statSync(join(cwd, 'locked.pem')).mode & 0o777, 0o600);
    const sign = ['file', 'sign', '--key', 'locked.pem', 'tree/a'];
    await assertFails(sign, { code: 'KEY-PRIVATE', exit: 3 }, { cwd });
    assert.equal((await assay([...sign, '--passphrase-from', 'file:pass'], { cwd })).code, 0);
    const { code, stdout } = await assay([...sign, '-v'], { cwd, env: { ASSAY_KEY_PASSPHRASE: 'secret words' } });
    assert.equal(code, 0);
    assert.match(stdout, /^unchanged tree\/a$/m);
  });

  test('take a program that signs, with the certificate of its key', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'hsm', '--type', 'p256');
    const script = `#!/bin/sh\nperl -e 'print pack "H*", shift' "$2" | openssl pkeyutl -sign -inkey ${cwd}/hsm.pem -pkeyopt digest:$1\n`;
    writeFileSync(join(cwd, 'signer'), script, { mode: 0o755 });
    await assertFails(['file', 'sign', '--signer', './signer', 'tree'], { code: 'USAGE', exit: 2 }, { cwd });
    const signed = await json(['file', 'sign', '--signer', './signer', '--cert', 'hsm.der', 'tree'], cwd);
    assert.equal(signed.summary['changed'], 4);
    run(cwd, DEBIAN_EVMCTL, 'ima_verify', '--key', 'hsm.der', 'tree/a');
  });

  /** A program that signs with hsm.pem and takes its time. */
  function slowSigner(cwd: string): void {
    const script = `#!/bin/sh\nsleep 0.3; perl -e 'print pack "H*", shift' "$2" | openssl pkeyutl -sign -inkey ${cwd}/hsm.pem -pkeyopt digest:$1\n`;
    writeFileSync(join(cwd, 'slow'), script, { mode: 0o755 });
  }

  test('end in order at SIGINT, and go on with what is left', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'hsm', '--type', 'p256');
    slowSigner(cwd);
    const sign = ['file', 'sign', '--signer', './slow', '--cert', 'hsm.der', '--threads', '1', 'tree', '-o', 'json'];
    const { child, ended } = launch(sign, { cwd });
    const first = Buffer.from(join(cwd, 'tree/a'));
    while (getXattr(first, 'security.ima') === undefined && child.exitCode === null) await delay(5);
    child.kill('SIGINT');
    const interrupted = await ended;
    assert.equal(interrupted.code, 130, interrupted.stderr);
    const { summary } = documentIn(interrupted) as unknown as { summary: Summary };
    assert.equal(summary['interrupted'], true);
    const rest = await json(sign.slice(0, -2), cwd);
    assert.equal(Number(rest.summary['changed']) + Number(rest.summary['unchanged']), 4);
    assert.ok(Number(rest.summary['unchanged']) > 0 && Number(rest.summary['changed']) > 0);
    assert.equal((await json(['file', 'verify', '--cert', 'hsm.der', 'tree'], cwd)).summary['right'], 4);
  });

  test('show on a terminal how far they are, and when they will be done', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'hsm', '--type', 'p256');
    slowSigner(cwd);
    const command = `${process.execPath} ${ASSAY} file sign --threads 1 --signer ./slow --cert hsm.der tree`;
    const shown = run(cwd, 'script', '--quiet', '--return', '--command', command, '/dev/null');
    assert.match(shown, /\d+ %, \d files, \d+ a second, \d+ s left/);
    assert.match(shown, /4 files .*4 labelled/);
  });

  test('refuse a certificate of another key, both or no ways to sign, and a file that is no key', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'one', '--type', 'p256');
    await key(cwd, 'two', '--type', 'p256');
    const sign = ['file', 'sign', 'tree'];
    const usage = { code: 'USAGE', exit: 2 };
    await assertFails([...sign, '--key', 'one.pem', '--cert', 'two.der'], usage, { cwd });
    await assertFails([...sign, '--key', 'one.pem', '--signer', 'x'], usage, { cwd });
    await assertFails([...sign, '--key', 'one.der'], { code: 'KEY-PRIVATE', exit: 3 }, { cwd });
    await assertFails(['file', 'verify', '--cert', 'one.pem', 'tree'], { code: 'DER-FORM', exit: 3 }, { cwd });
  });

  test('show what the labels say, and what is wrong with them', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'ima', '--type', 'rsa2048');
    await assay(['file', 'sign', '--key', 'ima.pem', '--sig-version', '3', '--algorithm', 'sha512', 'tree/a'], { cwd });
    const shown = await assay(['file', 'show', 'tree/a'], { cwd });
    assert.match(shown.stdout, /security\.ima {2}signature: type 3, version 3, algorithm sha512, keyId [0-9a-f]{8}, /);
    run(cwd, 'setfattr', '-n', 'security.ima', '-v', '0x04ff', 'tree/a');
    const { code, stdout } = await assay(['file', 'show', 'tree/a'], { cwd });
    assert.equal(code, 3);
    assert.match(stdout, /HASH-UNKNOWN/);
    await assertFails(['file', 'show', 'tree/a', 'missing'], { code: 'ENOENT', exit: 3 }, { cwd });
  });

  test('without any file there is nothing right', async (t) => {
    const cwd = tree(t);
    assert.equal((await json(['file', 'verify', '--include', 'nothing', 'tree'], cwd)).code, 3);
  });
});

describe('assay evm', { skip: noEvmctl }, () => {
  test('signs portably what evmctl verifies, and sees a changed mode', async (t) => {
    const cwd = tree(t);
    await key(cwd, 'evm', '--type', 'rsa2048');
    const sign = ['evm', 'sign', '--portable', '--key', 'evm.pem', 'tree'];
    const bare = await json(sign, cwd);
    assert.deepEqual([bare.code, bare.files[0]?.code], [3, 'EVM-METADATA']);
    await assay(['file', 'hash', 'tree'], { cwd });
    assert.equal((await json(sign, cwd)).summary['changed'], 4);
    assert.equal((await json(sign, cwd)).summary['unchanged'], 4);
    run(cwd, DEBIAN_EVMCTL, 'verify', '--key', 'evm.der', 'tree/a');
    assert.equal((await json(['evm', 'verify', '--cert', 'evm.der', 'tree'], cwd)).code, 0);
    run(cwd, 'chmod', '600', 'tree/a');
    const { code, files } = await json(['evm', 'verify', '--cert', 'evm.der', 'tree'], cwd);
    assert.deepEqual([code, files[0]?.code], [1, 'IMA-SIG-INVALID']);
  });

  test('computes HMACs with a key in the text form of the kernel', async (t) => {
    const cwd = tree(t);
    const evm = ['key', 'generate', '--type', 'evm', '--out', 'evm.blob', '--master-key', 'kmk'];
    assert.equal((await assay(evm, { cwd })).code, 0);
    assert.match(readFileSync(join(cwd, 'evm.blob'), 'latin1'), /^default user:kmk 64 [0-9a-f]{226}$/);
    await assay(['file', 'hash', 'tree'], { cwd });
    const uuid = ['--uuid', '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'];
    const opened = ['--evm-key', 'evm.blob', '--master-key', 'kmk', ...uuid];
    assert.equal((await json(['evm', 'hmac', ...opened, 'tree'], cwd)).summary['changed'], 4);
    assert.equal((await json(['evm', 'verify', ...opened, 'tree'], cwd)).summary['right'], 4);
    const other = ['--evm-key', 'evm.blob', '--master-key', 'kmk', '--uuid', 'none'];
    assert.equal((await json(['evm', 'verify', ...other, 'tree'], cwd)).summary['wrong'], 4);
    writeFileSync(join(cwd, 'wrong'), 'x'.repeat(32));
    const wrong = ['evm', 'hmac', '--evm-key', 'evm.blob', '--master-key', 'wrong', 'tree'];
    await assertFails(wrong, { code: 'EVM-KEY-INVALID', exit: 1 }, { cwd });
    await assertFails(['evm', 'hmac', '--evm-key', 'evm.blob', 'tree'], { code: 'USAGE', exit: 2 }, { cwd });
  });
});

describe('assay verity', () => {
  test('computes what fsverity computes', async (t) => {
    const cwd = tree(t);
    const { stdout, code } = await assay(['verity', 'digest', '--salt', '0102', '--block-size', '1024', 'tree/a'], {
      cwd,
    });
    assert.equal(code, 0);
    const [line] = stdout.split('\n');
    assert.equal(line, run(cwd, 'fsverity', 'digest', '--salt=0102', '--block-size=1024', 'tree/a').trim());
  });

  test('refuses block sizes that fs-verity does not have', async (t) => {
    const { files } = await json(['verity', 'digest', '--block-size', '1000', 'tree/a'], tree(t));
    assert.equal(files[0]?.code, 'VERITY-PARAMETER');
  });
});

describe('assay key', () => {
  test('generates a certificate by an authority, and overwrites nothing', async (t) => {
    const cwd = scratch(t);
    const ca = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=CA',
      '-keyout',
      'ca.pem',
      '-out',
      'ca.crt',
    ];
    run(cwd, 'openssl', ...ca);
    await key(cwd, 'ima', '--issuer', 'ca.crt', '--issuer-key', 'ca.pem', '--type', 'p521', '--name', 'Käfer');
    run(cwd, 'openssl', 'x509', '-inform', 'DER', '-in', 'ima.der', '-out', 'ima.crt');
    assert.match(run(cwd, 'openssl', 'verify', '-CAfile', 'ca.crt', 'ima.crt'), /OK/);
    const again = ['key', 'generate', '--out', 'other.pem', '--cert', 'ima.der'];
    assert.equal((await assay(again, { cwd })).code, 3);
    const half = ['key', 'generate', '--out', 'ima.pem', '--cert', 'other.der'];
    assert.equal((await assay(half, { cwd })).code, 3);
    assert.throws(() => statSync(join(cwd, 'other.der')), 'what was written first is taken back');
  });

  test('lists the keyrings of this kernel', async (t) => {
    const ended = await assay(['key', 'list', '-o', 'json'], { cwd: scratch(t) });
    assert.equal(ended.code, 0, ended.stderr);
    assert.ok(Array.isArray(documentIn(ended)['keyrings']));
  });

  test('says why the kernel does not take a certificate', { skip }, async (t) => {
    const cwd = scratch(t);
    await key(cwd, 'ima', '--type', 'rsa2048');
    const { code, stderr } = await assay(['key', 'import', 'ima.der', '--keyring', '.evm'], { cwd });
    assert.ok(code === 3 || code === 5, stderr);
    assert.match(stderr, /^error (KEYRING-REFUSED|NOT-PERMITTED|KERNEL-LACKS): .+/);
  });
});
