import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../workspace.ts';

function systemPackages(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(join(ROOT, 'scripts/system-packages'), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('the table gives each package a reason', () => {
  const { status, stdout } = systemPackages('--list');
  assert.equal(status, 0);
  const lines = stdout.trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^[a-z0-9.-]+ +\S.{20,}$/);
  assert.ok(lines.some((line) => line.startsWith('swtpm ')));
});

test('a check exits with 0 when nothing is missing, else with 3 and the line that installs it', () => {
  const { status, stderr } = systemPackages('--check');
  if (status === 0) assert.equal(stderr, '');
  else {
    assert.equal(status, 3);
    assert.match(stderr, /^install them with: sudo apt-get install --no-install-recommends \S+/m);
  }
});

test('an unknown option is wrong usage', () => {
  const { status, stderr } = systemPackages('--instal');
  assert.equal(status, 2);
  assert.match(stderr, /^usage: /);
});
