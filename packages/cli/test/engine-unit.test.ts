import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { ASSAY, assay, ROOT, scratch } from './assay.ts';
import { RULES, runs, until } from './engine-support.ts';

const skip = cannotMount() ?? false;
const LIMIT = { skip, timeout: 200_000 };

const ANALYZE = spawnSync('systemd-analyze', ['--version']).status === 0;

test('engine: systemd accepts the unit', {
  skip: ANALYZE ? false : 'systemd-analyze is missing: apt-get install systemd',
}, (t) => {
  const directory = scratch(t);
  const unit = join(directory, 'assay-engine.service');
  copyFileSync(join(ROOT, 'packages/cli/systemd/assay-engine.service'), unit);
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(verified.status, 0, verified.stderr);
  assert.equal(verified.stderr.includes(unit), false, verified.stderr);
  const graded = ['security', '--offline=true', '--threshold=60', unit];
  const secure = spawnSync('systemd-analyze', graded, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(secure.status, 0, secure.stdout);
});

/** What the unit leaves the engine. */
function capabilities(): string {
  const text = readFileSync(join(ROOT, 'packages/cli/systemd/assay-engine.service'), 'utf8');
  const [, names = ''] = /^CapabilityBoundingSet=(.*)$/m.exec(text) ?? [];
  return ['-all', ...names.split(' ').map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`)].join(',');
}

test('engine: the capabilities of the unit are enough to enforce', LIMIT, async (t) => {
  await using swtpm = await stoppable();
  using mount = mountExt4();
  const program = join(mount.path, 'program');
  copyFileSync('/bin/true', program);
  const directory = join(scratch(t), 'engine');
  const policy = join(scratch(t), 'policy');
  writeFileSync(policy, RULES);
  const words = ['--watch', mount.path, '--policy', policy, '--mode', 'enforce', '--directory', directory];
  const run = [ASSAY, 'engine', 'run', ...words, '--tpm', `swtpm:unix:${swtpm.socketPath}`];
  const bounded = ['--bounding-set', capabilities(), '--inh-caps', '-all', '--no-new-privs', process.execPath, ...run];
  const child = spawn('setpriv', bounded, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (output += part));
  }
  const ended = once(child, 'close');
  try {
    await until('the engine listens', () => /list +\d+ entries/.test(output) || child.exitCode !== null);
    assert.equal(child.exitCode, null, output);
    assert.equal(runs(program), false);
    const status = await assay(['engine', 'mode', 'fix', '--directory', directory]);
    assert.equal(status.code, 0, status.stderr);
    assert.equal(runs(program), true);
    assert.match((await assay(['file', 'show', program])).stdout, /sha256/);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
});

async function stoppable(): Promise<{ readonly socketPath: string } & AsyncDisposable> {
  const swtpm = await startSwtpm();
  return { socketPath: swtpm.socketPath, [Symbol.asyncDispose]: () => swtpm.stop() };
}
