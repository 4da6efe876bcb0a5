import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { decryptKey, parseEncryptedKey } from '@assay/core/evm';
import { nodeCrypto } from '@assay/core/node';
import { parseSealedFile } from '@assay/core/tpm';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { startSwtpm, type RunningSwtpm } from '@assay/testkit/swtpm';
import { ASSAY, assay, assertFails, documentIn, ROOT, scratch } from './assay.ts';

const UNIT = join(ROOT, 'packages/cli/systemd/assay-evm-key.service');

const works = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;
/** A user namespace has keyrings of its own, so those of this machine are not touched. */
const noKeyrings = !works('keyctl', '--version')
  ? 'keyctl is missing: apt-get install keyutils'
  : works('unshare', '--user', '--map-root-user', 'keyctl', 'show', '@u')
    ? false
    : 'this machine lets nobody make a user namespace with keyrings';

const opened = (cwd: string, master: Uint8Array): Uint8Array =>
  decryptKey(parseEncryptedKey(readFileSync(join(cwd, 'keys/evm-user.blob'), 'latin1')), master, nodeCrypto).payload;

describe('assay key evm', () => {
  let running: RunningSwtpm;
  let env: { readonly ASSAY_TPM: string };
  before(async () => {
    running = await startSwtpm();
    env = { ASSAY_TPM: `swtpm:unix:${running.socketPath}` };
  });
  after(() => running.stop());

  async function create(cwd: string, ...more: readonly string[]): Promise<void> {
    const { code, stderr } = await assay(['key', 'evm', 'create', '--dir', 'keys', ...more], { cwd, env });
    assert.equal(code, 0, stderr);
  }

  const load = (cwd: string, ...more: readonly string[]) =>
    assay(['key', 'evm', 'load', '--dir', 'keys', '--dry-run', '-o', 'json', ...more], { cwd, env });

  async function extend(pcr: number): Promise<void> {
    const tpm = new Tpm(await connectSwtpm(running.socketPath));
    await tpm.extendPcr(pcr, new Map([['sha256', new Uint8Array(32).fill(1)]]));
    await tpm.close();
  }

  test('makes a key whose master only the TPM opens, for its owner only, and never another one over it', async (t) => {
    const cwd = scratch(t);
    await create(cwd, '--backup', 'backup');
    assert.deepEqual(readdirSync(join(cwd, 'keys')).toSorted(), ['evm-user.blob', 'kmk-user.sealed']);
    for (const file of ['keys/evm-user.blob', 'keys/kmk-user.sealed', 'backup']) {
      assert.equal(statSync(join(cwd, file)).mode & 0o777, 0o600, file);
    }
    const sealed = parseSealedFile(readFileSync(join(cwd, 'keys/kmk-user.sealed'), 'latin1'));
    assert.deepEqual(sealed.pcrs?.selection, [{ bank: 'sha256', pcrs: [0, 2, 4, 7] }]);
    assert.equal(opened(cwd, readFileSync(join(cwd, 'backup'))).length, 64);
    const dry = await load(cwd);
    assert.deepEqual([dry.code, documentIn(dry)['state']], [0, 'would-load'], dry.stderr);
    await assertFails(['key', 'evm', 'create', '--dir', 'keys'], { code: 'USAGE', exit: 2 }, { cwd, env });
  });

  test('does not open once a PCR has changed, unless it is sealed to what follows, or again from the backup', async (t) => {
    const cwd = scratch(t);
    await create(cwd, '--pcrs', 'sha256:8', '--backup', 'backup');
    const before = opened(cwd, readFileSync(join(cwd, 'backup')));
    await extend(8);
    const pcrs = await assay(['tpm', 'pcrs', '--pcrs', 'sha256:8'], { env });
    writeFileSync(join(cwd, 'next'), pcrs.stdout);
    const refused = await load(cwd);
    assert.equal(refused.code, 1);
    const { state, sealed } = documentIn(refused) as { state: string; sealed: { file: string; reason: string }[] };
    assert.deepEqual([state, sealed[0]?.file, sealed[0]?.reason], ['sealed', 'kmk-user.sealed', 'pcrs']);
    await create(cwd, '--pcrs', 'sha256:8', '--master-key', 'backup');
    assert.equal((await load(cwd)).code, 0);
    await extend(8);
    assert.equal((await load(cwd)).code, 1);
    await create(cwd, '--pcrs', 'sha256:8', '--master-key', 'backup', '--also-pcrs', 'next');
    assert.deepEqual(readdirSync(join(cwd, 'keys')).length, 3);
    await extend(8);
    assert.equal((await load(cwd)).code, 1, 'neither the values of then nor the older ones');
    assert.deepEqual(opened(cwd, readFileSync(join(cwd, 'backup'))), before, 'the EVM key itself stays');
  });

  test('opens by any of the sealed files', async (t) => {
    const cwd = scratch(t);
    writeFileSync(join(cwd, 'now'), (await assay(['tpm', 'pcrs', '--pcrs', 'sha256:8'], { env })).stdout);
    await create(cwd, '--pcrs', 'sha256:8', '--backup', 'backup');
    await extend(8);
    const values = (await assay(['tpm', 'pcrs', '--pcrs', 'sha256:8'], { env })).stdout;
    writeFileSync(join(cwd, 'next'), values);
    await create(cwd, '--pcrs', 'sha256:8', '--master-key', 'backup', '--also-pcrs', 'now', '--also-pcrs', 'next');
    assert.equal((await load(cwd)).code, 0);
    copyFileSync(join(cwd, 'keys/kmk-user.1.sealed'), join(cwd, 'keys/kmk-user.sealed'));
    assert.equal((await load(cwd)).code, 0, 'the first is for other values, the third is not');
  });

  test('works without a TPM where the master key is not sealed', async (t) => {
    const cwd = scratch(t);
    await create(cwd, '--unsealed');
    const master = readFileSync(join(cwd, 'keys/kmk-user.blob'));
    assert.deepEqual([master.length, opened(cwd, master).length], [32, 64]);
    const args = ['key', 'evm', 'load', '--dir', 'keys', '--dry-run', '--tpm', 'swtpm:unix:/nowhere'];
    assert.equal((await assay(args, { cwd })).code, 0);
    writeFileSync(join(cwd, 'other'), 'another master key');
    const other = ['key', 'evm', 'create', '--dir', 'keys', '--unsealed', '--master-key', 'other'];
    await assertFails(other, { code: 'EVM-KEY-INVALID', exit: 1 }, { cwd, env });
  });

  test('leaves one form of the master key only: a plain one would make sealing worthless', async (t) => {
    const cwd = scratch(t);
    const forms = () => readdirSync(join(cwd, 'keys')).filter((name) => name.startsWith('kmk'));
    await create(cwd, '--unsealed', '--backup', 'backup');
    await assertFails(['key', 'evm', 'create', '--dir', 'keys'], { code: 'USAGE', exit: 2 }, { cwd, env });
    await create(cwd, '--master-key', 'keys/kmk-user.blob');
    assert.deepEqual(forms(), ['kmk-user.sealed']);
    await create(cwd, '--unsealed', '--master-key', 'backup');
    assert.deepEqual(forms(), ['kmk-user.blob']);
    assert.equal((await load(cwd)).code, 0);
  });

  test('refuses what is no directory of a key, and flags that EVM does not have', async (t) => {
    const cwd = scratch(t);
    mkdirSync(join(cwd, 'keys'));
    const usage = { code: 'USAGE', exit: 2 };
    await assertFails(['key', 'evm', 'load', '--dir', 'keys'], usage, { cwd, env });
    await assertFails(['key', 'evm', 'load', '--dir', 'keys', '--enable', 'hmac,hmac'], usage, { cwd, env });
    await assertFails(['key', 'evm', 'load', '--dir', 'keys', '--enable', 'x'], usage, { cwd, env });
    await assertFails(['key', 'evm', 'load', '--no-key', '--enable', 'hmac'], usage, { cwd, env });
  });

  test('does not enable EVM where it would find the programs of the machine wrong', async (t) => {
    const cwd = scratch(t);
    await create(cwd, '--unsealed');
    const ended = await load(cwd, '--enable', 'hmac');
    assert.equal(ended.code, 1, ended.stderr);
    const { state, vital } = documentIn(ended) as { state: string; vital: { path: string; state: string }[] };
    assert.equal(state, 'refused');
    assert.ok(vital.some((file) => file.state === 'wrong'));
    const forced = await load(cwd, '--enable', 'hmac', '--force');
    assert.deepEqual([forced.code, documentIn(forced)['state']], [0, 'would-load']);
  });

  test('is loaded by the kernel of this machine, twice, and printed by it as it was', {
    skip: noKeyrings,
  }, async (t) => {
    const cwd = scratch(t);
    await create(cwd, '--unsealed');
    const script = `set -e
"$1" "$2" key evm load --dir keys
"$1" "$2" key evm load --dir keys
"$1" "$2" key evm status >status || true
! keyctl search @u user kmk 2>error
key=$(keyctl search @u encrypted evm-key)
keyctl padd user kmk @u <keys/kmk-user.blob >serial
keyctl pipe "$key" >printed`;
    const inNamespace = ['--user', '--map-root-user', 'sh', '-c', script, 'sh', process.execPath, ASSAY];
    await promisify(execFile)('unshare', inNamespace, { cwd, timeout: 60_000 });
    const printed = readFileSync(join(cwd, 'printed'), 'latin1');
    assert.equal(printed, readFileSync(join(cwd, 'keys/evm-user.blob'), 'latin1'));
    assert.match(readFileSync(join(cwd, 'status'), 'latin1'), /^evm-key: \d+(?:, \d+)*$/m);
  });

  test('is not loaded where its text was changed', async (t) => {
    const cwd = scratch(t);
    await create(cwd, '--unsealed');
    const path = join(cwd, 'keys/evm-user.blob');
    writeFileSync(path, readFileSync(path, 'latin1').replace('user:kmk', 'user:kml'));
    await assertFails(['key', 'evm', 'load', '--dir', 'keys'], { code: 'EVM-KEY-INVALID', exit: 1 }, { cwd, env });
  });
});

describe('the unit of systemd', () => {
  const skip = works('systemd-analyze', '--version') ? false : 'systemd-analyze is missing: apt-get install systemd';
  test('is one that systemd takes', { skip }, (t: TestContext) => {
    const directory = scratch(t);
    copyFileSync(UNIT, join(directory, 'assay-evm-key.service'));
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', join(directory, 'assay-evm-key.service')], {
      encoding: 'utf8',
      env: { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
    });
    assert.deepEqual([verified.status, verified.stderr], [0, ''], verified.stderr);
  });

  test('runs a command that there is', async () => {
    const line = /^ExecStart=\/usr\/bin\/env assay (.*)$/m.exec(readFileSync(UNIT, 'utf8'))?.[1] ?? '';
    const { code, stdout } = await assay([...line.split(' ').slice(0, 3), '--help']);
    assert.equal(code, 0);
    for (const option of line.match(/--[a-z-]+/g) ?? []) assert.ok(stdout.includes(option), option);
  });
});
