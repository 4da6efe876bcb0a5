import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { assay, assertFails, documentIn, scratch, type Ended } from './assay.ts';
import { launchEngine, running, runs, type Setting } from './engine-support.ts';

const LIMIT = { skip: cannotMount() ?? false, timeout: 180_000 };
const MEASURE = 'measure func=BPRM_CHECK\nmeasure func=POLICY_CHECK\n';
const APPRAISE = `${MEASURE}measure func=FILE_CHECK mask=MAY_READ uid=4242 pcr=11\nappraise func=BPRM_CHECK\n`;

async function done(words: readonly string[], cwd: string): Promise<Ended> {
  const ended = await assay(words, { cwd });
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

/** `NAME.pem` and `NAME.pub`, by OpenSSL. */
function makeKey(cwd: string, name: string, ...type: readonly string[]): void {
  execFileSync('openssl', ['genpkey', ...type, '-out', `${name}.pem`], { cwd, stdio: 'pipe' });
  execFileSync('openssl', ['pkey', '-in', `${name}.pem`, '-pubout', '-out', `${name}.pub`], { cwd });
}

type Running = Omit<Setting, 'policy'>;
const ED25519 = ['-algorithm', 'ed25519'];
const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

function load(setting: Running, path: string): Promise<Ended> {
  return assay(['engine', 'policy', 'load', path, '--directory', setting.directory]);
}

async function refuses(setting: Running, path: string, why: RegExp): Promise<void> {
  const ended = await load(setting, path);
  assert.equal(ended.code, 4, ended.stdout);
  assert.match(ended.stderr, why);
}

describe('policies of the engine', () => {
  test('a signed policy is taken by the key that signed it, whole as it was signed', LIMIT, async (t) => {
    const cwd = scratch(t);
    makeKey(cwd, 'ours', ...ED25519);
    makeKey(cwd, 'second', ...P256);
    writeFileSync(join(cwd, 'policy'), APPRAISE);
    await done(['policy', 'sign', 'policy', '--key', 'second.pem', '--out', 'other'], cwd);
    await done(['policy', 'sign', 'policy', '--key', 'ours.pem', '--out', 'signed'], cwd);
    const ask = ['engine', 'explain', '/bin/true', '--policy'];
    const explain = (policy: string, ...words: readonly string[]) => [...ask, policy, ...words];
    const by = (policy: string) => explain(policy, '--policy-key', 'ours.pub');
    assert.match((await assay(by('signed'), { cwd })).stdout, /appraised by line 4/);
    await assertFails(by('other'), { code: 'POLICY-SIGNATURE', exit: 1 }, { cwd });
    const more = await done(['policy', 'sign', 'other', '--key', 'ours.pem', '--out', 'both', '-o', 'json'], cwd);
    assert.deepEqual([documentIn(more)['rules'], documentIn(more)['signatures']], [4, 2]);
    assert.match((await assay(by('both'), { cwd })).stdout, /appraised by line 4/);
    const { payload } = JSON.parse(readFileSync(join(cwd, 'signed'), 'utf8')) as { payload: string };
    const weaker = Buffer.from(APPRAISE.replace('appraise', 'dont_appraise')).toString('base64');
    writeFileSync(join(cwd, 'forged'), readFileSync(join(cwd, 'signed'), 'utf8').replace(payload, weaker));
    await assertFails(by('forged'), { code: 'POLICY-SIGNATURE', exit: 1 }, { cwd });
    await assertFails(by('policy'), { code: 'ENVELOPE-FORM', exit: 3 }, { cwd });
    await assertFails(explain('signed'), { code: 'USAGE', exit: 2 }, { cwd });
    await assertFails(by('builtin:engine'), { code: 'USAGE', exit: 2 }, { cwd });
    await assertFails([...by('signed'), '--policy-cert', 'ours.pub'], { code: 'USAGE', exit: 2 }, { cwd });
    writeFileSync(join(cwd, 'none'), 'measure func=\0\n');
    const sign = ['policy', 'sign', 'none', '--key', 'ours.pem', '--out', 'x'];
    await assertFails(sign, { code: 'POLICY-TEXT', exit: 3 }, { cwd });
  });

  test('over the built-in policy one is loaded, once, and what it decides holds from then on', LIMIT, async (t) => {
    const cwd = scratch(t);
    writeFileSync(join(cwd, 'policy'), APPRAISE);
    await using setting = await running(t, undefined, '--mode', 'enforce', '--confirm-within', '1h');
    const program = join(setting.mount, 'program');
    assert.equal(runs(program), true);
    await setting.ask('confirm');
    writeFileSync(join(cwd, 'wrong'), 'measure func=BPRN_CHECK\n');
    await refuses(setting, join(cwd, 'wrong'), /line 1/);
    assert.equal(runs(program), true);
    const loaded = await load(setting, join(cwd, 'policy'));
    assert.equal(loaded.code, 0, loaded.stderr);
    assert.match(loaded.stdout, /4 rules are in force\nthe mode is log again at /);
    assert.equal(runs(program), false);
    const shown = await done(['engine', 'policy', 'show', '--directory', setting.directory], cwd);
    assert.equal(shown.stdout, APPRAISE);
    await refuses(setting, join(cwd, 'policy'), /loaded once/);
    await done(['file', 'hash', program], cwd);
    assert.equal(runs(program), true);
    const list = join(setting.directory, 'binary_runtime_measurements_sha256');
    assert.match(readFileSync(list, 'latin1'), /assay-engine-mode.*reason=policy loaded;policy=[^;]*policy;sha256=/s);
    assert.ok(readFileSync(list, 'latin1').includes(join(cwd, 'policy')));
    assert.equal((await done(['log', 'verify', list], cwd)).code, 0);
  });

  test('a policy in a file stays, unless signed ones are taken or it is rewritable', LIMIT, async (t) => {
    const cwd = scratch(t);
    makeKey(cwd, 'ours', ...ED25519);
    for (const [name, rules] of [
      ['first', MEASURE],
      ['second', APPRAISE],
    ] as const) {
      writeFileSync(join(cwd, name), rules);
      await done(['policy', 'sign', name, '--key', 'ours.pem', '--out', `${name}.signed`], cwd);
    }
    await using machine = await stoppable();
    using mount = mountExt4();
    copyFileSync('/bin/true', join(mount.path, 'program'));
    const directory = join(scratch(t), 'engine');
    const start = (...words: readonly string[]): Promise<Running> =>
      launchEngine({ mount: mount.path, directory, tpm: machine.tpm, words });
    {
      await using setting = await start('--policy', join(cwd, 'first'));
      await refuses(setting, join(cwd, 'second'), /loaded once/);
    }
    {
      await using setting = await start('--policy', join(cwd, 'first'), '--policy-rewritable', '--mode', 'enforce');
      for (const name of ['second', 'first', 'second']) {
        assert.equal((await load(setting, join(cwd, name))).code, 0);
        assert.equal(runs(join(mount.path, 'program')), name === 'first', name);
      }
    }
    {
      const signed = ['--policy', join(cwd, 'first.signed'), '--policy-key', join(cwd, 'ours.pub')];
      await using setting = await start(...signed);
      await refuses(setting, join(cwd, 'second'), /ENVELOPE|no JSON|JSON/i);
      assert.equal((await load(setting, join(cwd, 'second.signed'))).code, 0);
      assert.equal((await setting.ask('status')).rules.length, 4);
    }
    {
      const supervised = ['--policy', 'builtin:engine', '--supervise', 'open'];
      await using setting = await start(...supervised);
      await refuses(setting, join(cwd, 'second'), /under a supervisor/);
    }
  });
});

async function stoppable(): Promise<{ readonly tpm: string } & AsyncDisposable> {
  const swtpm = await startSwtpm();
  return { tpm: `swtpm:unix:${swtpm.socketPath}`, [Symbol.asyncDispose]: () => swtpm.stop() };
}
