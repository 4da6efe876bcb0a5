import assert from 'node:assert/strict';
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { assay, ASSAY, assertFails, isRoot } from './assay.ts';

const skip = isRoot ? false : 'only root writes security.ima';
const cwd = mkdtempSync(join(tmpdir(), 'assay-passphrase-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

const SECRET = 'secret words';
const SIGN = ['file', 'sign', '--key', 'locked.pem', 'file'];

before(async () => {
  writeFileSync(join(cwd, 'file'), 'content');
  writeFileSync(join(cwd, 'pass'), `${SECRET}\nmore\n`);
  const options = ['--type', 'p256', '--out', 'locked.pem', '--cert', 'locked.der', '--passphrase-from', 'file:pass'];
  const made = await assay(['key', 'generate', ...options], { cwd });
  assert.equal(made.code, 0, made.stderr);
});

/** Runs it with bytes to read from a descriptor, whose other end stays open. */
async function withDescriptor(fd: 0 | 3, given: string): Promise<{ code: number | null; stderr: string }> {
  const stdio: StdioOptions = fd === 0 ? ['pipe', 'ignore', 'pipe'] : ['ignore', 'ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [ASSAY, ...SIGN, '--passphrase-from', `fd:${fd}`], { cwd, stdio });
  const pipe = child.stdio[fd];
  assert.ok(pipe instanceof Object && 'write' in pipe && child.stderr !== null);
  pipe.write(given);
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, stderr };
}

/** Runs it on a terminal of its own (script(1)), and types when it asks. */
async function typed(keys: string): Promise<{ code: number | null; shown: string }> {
  const command = [process.execPath, ASSAY, ...SIGN].join(' ');
  const child = spawn('script', ['-qec', `${command}; code=$?; stty -a; exit $code`, '/dev/null'], { cwd });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    const asked = shown.includes('passphrase of locked.pem: ');
    shown += part;
    if (!asked && shown.includes('passphrase of locked.pem: ')) child.stdin.write(keys);
  });
  await once(child, 'close');
  return { code: child.exitCode, shown };
}

describe('a passphrase', { skip }, () => {
  test('comes from a file, of which it is the first line', async () => {
    assert.equal((await assay([...SIGN, '--passphrase-from', 'file:pass'], { cwd })).code, 0);
  });

  test('comes from a variable, that of the option or the usual one', async () => {
    assert.equal((await assay([...SIGN, '--passphrase-from', 'env:PIN'], { cwd, env: { PIN: SECRET } })).code, 0);
    assert.equal((await assay(SIGN, { cwd, env: { ASSAY_KEY_PASSPHRASE: SECRET } })).code, 0);
  });

  test('comes from a descriptor that nobody closes', async () => {
    for (const fd of [0, 3] as const) {
      const { code, stderr } = await withDescriptor(fd, `${SECRET}\n`);
      assert.equal(code, 0, stderr);
    }
  });

  test('that is wrong is said to be', async () => {
    const { code, stderr } = await withDescriptor(3, 'other words\n');
    assert.equal(code, 3);
    assert.match(stderr, /^error KEY-PRIVATE: .*passphrase is wrong/);
    assert.ok(!stderr.includes('other words'));
  });

  for (const [source, exit, code] of [
    ['secret words', 2, 'USAGE'],
    ['pass:secret', 2, 'USAGE'],
    ['env:MISSING', 2, 'USAGE'],
    ['fd:', 2, 'USAGE'],
    ['fd:one', 2, 'USAGE'],
    ['fd:99', 2, 'USAGE'],
    ['file:missing', 3, 'ENOENT'],
    ['file:/dev/zero', 3, 'INPUT-FILE'],
  ] as const) {
    test(`is not taken from ${JSON.stringify(source)}`, async () => {
      await assertFails([...SIGN, '--passphrase-from', source], { exit, code }, { cwd });
    });
  }

  test('that is missing is asked for on a terminal only', async () => {
    const { stderr } = await assertFails(SIGN, { exit: 3, code: 'KEY-PRIVATE' }, { cwd });
    assert.match(stderr, /--passphrase-from/);
  });

  test('is not shown while it is typed, and can be mended', async () => {
    const { code, shown } = await typed('secret worsd\u007f\u007fds\r');
    assert.equal(code, 0, shown);
    assert.ok(!shown.includes('secret'), shown);
    assert.match(shown, / echo /); // The terminal is as it was.
  });

  test('is not waited for after Ctrl-C', async () => {
    const { code, shown } = await typed('\u0003');
    assert.equal(code, 130, shown);
    assert.match(shown, / echo /);
  });
});
