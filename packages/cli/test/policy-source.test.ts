import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyReference } from '@assay/core/reference';
import { assay, scratch } from './assay.ts';
import { serving } from './serving.ts';

function commit(repository: string, version: number, manifest = `v${version}.json`): string {
  const git = (...words: string[]): string => {
    const who = ['-c', 'user.name=ops', '-c', 'user.email=ops@example.org', '-c', 'commit.gpgSign=false'];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', ['-C', repository, ...who, ...words], { env, encoding: 'utf8' }).trim();
  };
  const policies = [{ name: 'web', file: manifest, hosts: 'all' }];
  writeFileSync(
    join(repository, `v${version}.json`),
    JSON.stringify(emptyReference('web', version, '2026-11-22T00:00:00Z')),
  );
  writeFileSync(
    join(repository, 'assay-policies.json'),
    JSON.stringify({ schema: 'assay.policies-source.v1', policies }),
  );
  git('init', '--quiet');
  git('checkout', '--quiet', '-B', 'main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'change');
  return git('rev-parse', 'HEAD');
}

const skip = spawnSync('git', ['--version']).error === undefined ? false : 'git is missing: apt install git';

test('policies come from a repository, are read again on SIGHUP, and the command says from which commit they are', {
  timeout: 120_000,
  skip,
}, async (t) => {
  const directory = scratch(t);
  const repository = join(directory, 'policies');
  mkdirSync(repository);
  const first = commit(repository, 1);
  const state = join(directory, 'state');
  const words = ['--state', state, '--policies-from', repository, '--policies-every', '86400'];
  const { url, child } = await serving(t, words);
  const listed = async (wanted: RegExp): Promise<string> => {
    for (;;) {
      const { stdout } = await assay(['policies', 'get', '--url', url]);
      if (wanted.test(stdout)) return stdout;
      await delay(100);
    }
  };
  const said = await listed(/in force/);
  assert.match(
    said,
    new RegExp(`^web +1 +0 +nobody +\\d+ s ago by commit ${first.slice(0, 12)} +in force on 0 hosts`, 'm'),
  );
  assert.match(
    said,
    new RegExp(`^source ${repository}, branch main: ${first.slice(0, 12)}, looked at \\d+ s ago$`, 'm'),
  );
  const file = join(directory, 'v3.json');
  writeFileSync(file, JSON.stringify(emptyReference('web', 3, '2026-11-22T00:00:00Z')));
  const pushed = await assay(['reference', 'push', file, '--url', url, '--state', state]);
  assert.equal(pushed.code, 1, pushed.stderr);
  assert.match(pushed.stderr, /^error POLICY-MANAGED: web comes from .*: change v1\.json there\./);
  const second = commit(repository, 2);
  child.kill('SIGHUP');
  await listed(new RegExp(`^web +2 .* by commit ${second.slice(0, 12)} +in force`, 'm'));
  commit(repository, 3, 'none.json');
  child.kill('SIGHUP');
  const failing = await listed(/cannot be applied/);
  assert.match(failing, /^ {2}cannot be applied POLICIES-SOURCE: git: fatal: .*none\.json.*; what is in force stays$/m);
  assert.match(failing, /^web +2 .* in force/m);
});

test('a source that is none, or that nobody vouches for, is wrong usage', async (t) => {
  const directory = scratch(t);
  const refused = async (words: readonly string[], said: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await assay(['verifier', 'serve', '--state', join(directory, 'state'), ...words]);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, stderr);
    assert.match(stderr, said);
  };
  await refused(['--policy-signatures', '2'], /asks for more than the 0 keys of --policy-key/);
  await refused(['--policies-from', 'https://git.example/p.git'], /need --policies-signers or --policy-key/);
  await refused(['--policies-from', 'ext::sh -c id'], /is no directory, no Git repository/);
  await refused(['--policies-from', join(directory, 'none')], /is no directory/);
  await refused(['--policies-from', directory, '--policies-signers', '/etc/hostname'], /no commits to check/);
  await refused(['--policies-signers', '/etc/hostname'], /is for --policies-from/);
  await refused(['--policies-from', directory, '--policies-branch', '-x'], /no name of a branch/);
});
