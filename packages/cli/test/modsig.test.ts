import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { concat, utf8 } from '@assay/core/bytes';
import { encodeModsig, findModsig } from '@assay/core/label';
import { assay, assertFails, documentIn, scratch } from './assay.ts';

async function withKey(t: TestContext): Promise<string> {
  const cwd = scratch(t);
  const made = await assay(['key', 'generate', '--type', 'p384', '--out', 'ima.pem', '--cert', 'ima.der'], { cwd });
  assert.equal(made.code, 0, made.stderr);
  execFileSync('openssl', ['x509', '-inform', 'DER', '-in', 'ima.der', '-out', 'ima.crt'], { cwd });
  return cwd;
}

/** As scripts/sign-file of the kernel does it. */
function appendSignature(cwd: string, name: string, ...more: readonly string[]): void {
  const key = ['-signer', 'ima.crt', '-inkey', 'ima.pem', '-md', 'sha256', '-outform', 'DER'];
  const cms = execFileSync('openssl', ['cms', '-sign', '-binary', '-nocerts', '-in', name, ...key, ...more], { cwd });
  writeFileSync(join(cwd, name), concat([readFileSync(join(cwd, name)), encodeModsig(cms)]));
}

describe('a file with an appended signature', () => {
  test('is shown with who signed it, and right until a byte of it changes', async (t) => {
    const cwd = await withKey(t);
    writeFileSync(join(cwd, 'm.ko'), 'a module\n');
    appendSignature(cwd, 'm.ko', '-noattr');
    const shown = await assay(['file', 'show', 'm.ko'], { cwd });
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /appended {2}signature: algorithm ecdsa-sha256, issuer CN=IMA signing key, /);
    const document = documentIn(await assay(['file', 'show', 'm.ko', '-o', 'json'], { cwd }));
    const [file] = document['files'] as { modsig: Record<string, unknown> }[];
    assert.deepEqual([file?.modsig['contentSize'], file?.modsig['attributes']], [9, false]);
    const verify = (...more: readonly string[]) => assay(['file', 'verify', ...more, 'm.ko', '-o', 'json'], { cwd });
    assert.equal((await verify('--cert', 'ima.der')).code, 0);
    assert.match((await verify()).stdout, /"code":"IMA-SIG-KEY-UNKNOWN"/);
    const bytes = readFileSync(join(cwd, 'm.ko'));
    writeFileSync(join(cwd, 'm.ko'), bytes.with(0, 0x62));
    const changed = await verify('--cert', 'ima.der');
    assert.equal(changed.code, 1);
    assert.match(changed.stdout, /"code":"IMA-SIG-INVALID"/);
  });

  test('over attributes is wrong, because the kernel refuses it', async (t) => {
    const cwd = await withKey(t);
    writeFileSync(join(cwd, 'm.ko'), 'a module\n');
    appendSignature(cwd, 'm.ko');
    const { code, stdout } = await assay(['file', 'verify', '--cert', 'ima.der', 'm.ko', '-o', 'json'], { cwd });
    assert.equal(code, 1);
    assert.match(stdout, /"code":"MODSIG-ATTRIBUTES"/);
  });

  test('is made here too, replaced by the next one, and read by openssl', async (t) => {
    const cwd = await withKey(t);
    writeFileSync(join(cwd, 'm.ko'), 'a module\n', { mode: 0o640 });
    const sign = ['file', 'sign', '--modsig', '--key', 'ima.pem', '--cert', 'ima.der', 'm.ko'];
    const dry = await assay([...sign, '--dry-run', '-o', 'json'], { cwd });
    assert.deepEqual([dry.code, readFileSync(join(cwd, 'm.ko')).length], [0, 9], dry.stderr);
    for (const algorithm of ['sha256', 'sha512']) {
      const signed = await assay([...sign, '--algorithm', algorithm], { cwd });
      assert.equal(signed.code, 0, signed.stderr);
      const file = readFileSync(join(cwd, 'm.ko'));
      const place = findModsig(file, file.length);
      assert.equal(place?.contentSize, 9);
      writeFileSync(join(cwd, 'p7s'), file.subarray(9, 9 + place.signatureSize));
      writeFileSync(join(cwd, 'content'), file.subarray(0, 9));
      const read = ['cms', '-verify', '-binary', '-inform', 'DER', '-in', 'p7s', '-content', 'content', '-nointern'];
      execFileSync('openssl', [...read, '-noverify', '-certfile', 'ima.crt'], { cwd, stdio: 'pipe' });
    }
    assert.equal((await assay(['file', 'verify', '--cert', 'ima.der', 'm.ko'], { cwd })).code, 0);
    const usage = { code: 'USAGE', exit: 2 };
    await assertFails(['file', 'sign', '--modsig', '--key', 'ima.pem', 'm.ko'], usage, { cwd });
    await assertFails([...sign, '--algorithm', 'sha1'], usage, { cwd });
    await assertFails([...sign, '--verity'], usage, { cwd });
  });

  test('that is none is told with its code, not taken for a file without one', async (t) => {
    const cwd = scratch(t);
    writeFileSync(join(cwd, 'm.ko'), 'a module\n');
    appendFileSync(join(cwd, 'm.ko'), utf8(`${'\0'.repeat(12)}~Module signature appended~\n`));
    const shown = await assay(['file', 'show', 'm.ko'], { cwd });
    assert.equal(shown.code, 3);
    assert.match(shown.stdout, /MODSIG-FORM: appended signature: it is of kind 0/);
    const verified = await assay(['file', 'verify', 'm.ko'], { cwd });
    assert.equal(verified.code, 1);
    assert.match(verified.stdout, /^wrong m\.ko {2}MODSIG-FORM/);
  });
});
