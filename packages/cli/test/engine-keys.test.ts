import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { concat } from '@assay/core/bytes';
import { encodeModsig } from '@assay/core/label';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { ASSAY, assay, assertFails, documentIn, scratch, type Ended } from './assay.ts';
import { runningAfter, runs } from './engine-support.ts';

const skip = cannotMount() ?? false;
const LIMIT = { skip, timeout: 180_000 };
const works = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;
/** A user namespace has keyrings of its own, so those of this machine are not touched. */
const ALONE = ['unshare', '--user', '--map-root-user'] as const;
const noKeyrings = !works('keyctl', '--version')
  ? 'keyctl is missing: apt-get install keyutils'
  : works(...ALONE, 'keyctl', 'show', '@u')
    ? skip
    : 'this machine lets nobody make a user namespace with keyrings';

async function done(words: readonly string[], cwd: string): Promise<Ended> {
  const ended = await assay(words, { cwd });
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

/** `NAME.pem` and `NAME.der`. */
async function makeKey(cwd: string, name: string, type = 'rsa2048'): Promise<void> {
  await done(['key', 'generate', '--type', type, '--out', `${name}.pem`, '--cert', `${name}.der`], cwd);
}

/** Result and cause of `assay engine explain -o json`. */
async function explained(cwd: string, path: string, ...words: readonly string[]): Promise<unknown[]> {
  const { result, cause } = documentIn(await assay(['engine', 'explain', path, ...words, '-o', 'json'], { cwd }));
  return cause === undefined ? [result] : [result, cause];
}

/** As scripts/sign-file of the kernel does it, by OpenSSL. */
function appendSignature(cwd: string, path: string, name: string): void {
  execFileSync('openssl', ['x509', '-inform', 'DER', '-in', `${name}.der`, '-out', `${name}.crt`], { cwd });
  const key = ['-signer', `${name}.crt`, '-inkey', `${name}.pem`, '-md', 'sha256', '-outform', 'DER'];
  const cms = execFileSync('openssl', ['cms', '-sign', '-binary', '-nocerts', '-noattr', '-in', path, ...key], { cwd });
  writeFileSync(path, concat([readFileSync(path), encodeModsig(cms)]));
}

function writeModule(directory: string, content: string): string {
  const path = join(directory, 'lib/modules/6.12/m.ko');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const MODULES =
  'measure func=MODULE_CHECK template=ima-modsig\nappraise func=MODULE_CHECK appraise_type=imasig|modsig\n';

describe('keys of the engine', () => {
  test('a module passes by the signature appended to it, and by no other', { timeout: 180_000 }, async (t) => {
    const cwd = scratch(t);
    await makeKey(cwd, 'ours', 'p384');
    await makeKey(cwd, 'other');
    writeFileSync(join(cwd, 'policy'), MODULES);
    const module = writeModule(cwd, 'a module\n');
    const ask = (certificate: string) =>
      explained(cwd, module, '--as', 'read', '--policy', 'policy', '--cert', certificate);
    assert.deepEqual(await ask('ours.der'), ['refused', 'IMA-signature-required']);
    appendSignature(cwd, module, 'ours');
    assert.deepEqual(await ask('ours.der'), ['allowed']);
    assert.deepEqual(await ask('other.der'), ['refused', 'invalid-signature']);
    writeFileSync(module, readFileSync(module).with(0, 0x62));
    assert.deepEqual(await ask('ours.der'), ['refused', 'invalid-signature']);
    writeFileSync(module, Buffer.concat([Buffer.from('x'), encodeModsig(Buffer.from('no CMS'))]));
    assert.deepEqual(await ask('ours.der'), ['refused', 'IMA-signature-required']);
  });

  test('an appended signature is enforced, and listed with what it is of', LIMIT, async (t) => {
    const cwd = scratch(t);
    await makeKey(cwd, 'ours');
    await using setting = await runningAfter(t, MODULES, (mount) => {
      appendSignature(cwd, writeModule(mount, 'a module\n'), 'ours');
      writeModule(join(mount, 'bad'), 'a module\n');
      return Promise.resolve(['--mode', 'enforce', '--confirm-within', '1h', '--cert', join(cwd, 'ours.der')]);
    });
    const reads = (path: string): boolean => works('cat', join(setting.mount, path));
    assert.equal(reads('lib/modules/6.12/m.ko'), true);
    assert.equal(reads('bad/lib/modules/6.12/m.ko'), false);
    const list = await done(['log', 'show', 'binary_runtime_measurements_sha256', '-o', 'json'], setting.directory);
    const signed = execFileSync('sha256sum', { input: 'a module\n', encoding: 'latin1' }).slice(0, 64);
    assert.ok(list.stdout.includes(signed), 'the digest without the signature');
  });

  test('the key of EVM that the TPM unseals checks HMACs, and makes them in mode fix', LIMIT, async (t) => {
    const cwd = scratch(t);
    const rules = 'appraise func=BPRM_CHECK\n';
    await using setting = await runningAfter(t, rules, async (mount, tpm) => {
      const create = ['key', 'evm', 'create', '--dir', 'keys', '--pcrs', 'sha256:8', '--backup', 'backup'];
      await done([...create, '--tpm', tpm], cwd);
      const program = join(mount, 'program');
      copyFileSync(program, join(mount, 'bare'));
      await done(['file', 'hash', program], cwd);
      const hmac = ['evm', 'hmac', '--evm-key', 'keys/evm-user.blob', '--master-key', 'backup'];
      await done([...hmac, program], cwd);
      return ['--mode', 'enforce', '--confirm-within', '1h', '--evm-key', join(cwd, 'keys')];
    });
    const { mount } = setting;
    assert.deepEqual([runs(join(mount, 'program')), runs(join(mount, 'bare'))], [true, false]);
    chmodSync(join(mount, 'program'), 0o775);
    assert.equal(runs(join(mount, 'program')), false);
    await setting.ask('mode', 'fix');
    assert.equal(runs(join(mount, 'bare')), true);
    await setting.ask('mode', 'enforce');
    assert.equal(runs(join(mount, 'bare')), true);
    const verify = ['evm', 'verify', '--evm-key', 'keys/evm-user.blob', '--master-key', 'backup'];
    await done([...verify, join(mount, 'bare')], cwd);
    const audits = readFileSync(join(setting.directory, 'audit.jsonl'), 'utf8');
    assert.match(audits, /"cause":"invalid-HMAC"/);
  });

  test('a master key that the TPM does not unseal is said to be sealed', { timeout: 180_000 }, async (t) => {
    const cwd = scratch(t);
    const swtpm = await startSwtpm();
    t.after(() => swtpm.stop());
    const tpm = ['--tpm', `swtpm:unix:${swtpm.socketPath}`];
    await done(['key', 'evm', 'create', '--dir', 'keys', '--pcrs', 'sha256:8', ...tpm], cwd);
    const extending = new Tpm(await connectSwtpm(swtpm.socketPath));
    await extending.extendPcr(8, new Map([['sha256', new Uint8Array(32).fill(1)]]));
    await extending.close();
    const explain = ['engine', 'explain', '/bin/true', '--evm-key', 'keys', ...tpm];
    await assertFails(explain, { code: 'TPM-SEALED', exit: 3 }, { cwd });
    const both = [...explain, '--master-key', 'keys/evm-user.blob'];
    await assertFails(both, { code: 'USAGE', exit: 2 }, { cwd });
  });

  test('metadata may be signed by certificates of its own, without a key of EVM', LIMIT, async (t) => {
    const cwd = scratch(t);
    using mount = mountExt4();
    const program = join(mount.path, 'program');
    copyFileSync('/bin/true', program);
    await makeKey(cwd, 'ours');
    await makeKey(cwd, 'other');
    await done(['file', 'hash', program], cwd);
    const sign = ['evm', 'sign', '--portable', '--key', 'ours.pem', '--cert', 'ours.der', program];
    await done(sign, cwd);
    writeFileSync(join(cwd, 'policy'), 'appraise func=BPRM_CHECK appraise_type=imasig\n');
    const ask = (...words: readonly string[]) => explained(cwd, program, '--policy', 'policy', ...words);
    assert.deepEqual(await ask(), ['refused', 'IMA-signature-required']);
    assert.deepEqual(await ask('--evm-cert', 'ours.der'), ['allowed']);
    assert.deepEqual(await ask('--evm-cert', 'other.der'), ['refused', 'invalid-fail-immutable']);
  });

  test('a keyring of the kernel checks signatures of files', { skip: noKeyrings, timeout: 180_000 }, async (t) => {
    const cwd = scratch(t);
    using mount = mountExt4();
    await makeKey(cwd, 'ours');
    await makeKey(cwd, 'other');
    for (const name of ['ours', 'other']) {
      copyFileSync('/bin/true', join(mount.path, name));
      await done(['file', 'sign', '--key', `${name}.pem`, '--cert', `${name}.der`, join(mount.path, name)], cwd);
    }
    const changed = join(mount.path, 'changed');
    execFileSync('cp', ['--preserve=xattr', join(mount.path, 'ours'), changed]);
    execFileSync('sh', ['-c', 'printf x >>"$0"', changed]);
    writeFileSync(join(cwd, 'policy'), 'appraise func=BPRM_CHECK appraise_type=imasig\n');
    await assertFails(['engine', 'explain', '/bin/true', '--keyring', '.ours'], { code: 'USAGE', exit: 2 });
    const absent = [process.execPath, ASSAY, 'engine', 'explain', '/bin/true', '--keyring', '_evm'];
    const { stderr: refusal } = spawnSync('env', [...ALONE, ...absent], { encoding: 'utf8', timeout: 60_000 });
    assert.match(refusal, /KEYRING-REFUSED/);
    const explain = (name: string): unknown[] => {
      const words = ['engine', 'explain', join(mount.path, name), '--policy', 'policy', '--keyring', '_ima'];
      const script = '"$0" "$1" key import --keyring _ima ours.der >&2 && shift && exec "$0" "$@" -o json';
      const given = [...ALONE, 'sh', '-c', script, process.execPath, ASSAY, ASSAY, ...words];
      const { stdout, stderr } = spawnSync('env', given, { cwd, encoding: 'utf8', timeout: 60_000 });
      assert.ok(stdout.startsWith('{'), stderr);
      const { result, cause } = documentIn({ stdout });
      return cause === undefined ? [result] : [result, cause];
    };
    assert.deepEqual(explain('ours'), ['allowed']);
    assert.deepEqual(explain('changed'), ['refused', 'invalid-signature']);
    assert.deepEqual(explain('other'), ['refused', 'invalid-signature']);
  });
});
