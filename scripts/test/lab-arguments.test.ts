import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseLabArguments, UsageError } from '../lab-arguments.ts';
import { ROOT } from '../workspace.ts';

test('boot takes a kernel, options, and behind -- the script with its own arguments', () => {
  const command = 'boot --kernel 6.12 --cmdline ima_policy=tcb --file a/b=c --file a/d --timeout 30 -- s.sh --x y';
  assert.deepEqual(parseLabArguments(command.split(' ')), {
    name: 'boot',
    kernel: '6.12',
    script: 's.sh',
    arguments: ['--x', 'y'],
    cmdline: 'ima_policy=tcb',
    files: [
      { host: 'a/b', guest: 'c' },
      { host: 'a/d', guest: 'd' },
    ],
    out: undefined,
    timeoutMs: 30_000,
    memoryMiB: undefined,
    tpmState: undefined,
    uefi: undefined,
    verbose: false,
  });
});

test('boot takes UEFI firmware, with keys or without', () => {
  const uefiOf = (words: string) => {
    const command = parseLabArguments(`boot --kernel 7.2 ${words} -- s.sh`.split(' '));
    return command.name === 'boot' ? command.uefi : undefined;
  };
  assert.equal(uefiOf('--uefi'), 'setup-mode');
  assert.equal(uefiOf('--uefi --secure-boot'), 'secure-boot');
});

test('update looks for all kernels, or for those that are named', () => {
  assert.deepEqual(parseLabArguments(['update']), { name: 'update', kernels: ['6.1', '6.12', '7.2'] });
  assert.deepEqual(parseLabArguments(['update', '--kernel', '7.2']), { name: 'update', kernels: ['7.2'] });
});

const WRONG = [
  '',
  'start',
  'boot -- s.sh',
  'boot --kernel 6.12',
  'boot --kernel 5.4 -- s.sh',
  'boot --kernel 6.1 --kernel 6.12 -- s.sh',
  'boot --kernel 6.12 --timeout 0 -- s.sh',
  'boot --kernel 6.12 --timeout 1.5 -- s.sh',
  'boot --kernel 6.12 --memory lots -- s.sh',
  'boot --kernel 6.12 --unknown -- s.sh',
  'boot --kernel 6.12 --secure-boot -- s.sh',
  'update 6.12',
];

for (const words of WRONG) {
  test(`wrong usage is refused: ${words || '(nothing)'}`, () => {
    assert.throws(() => parseLabArguments(words.split(' ').filter(Boolean)), UsageError);
  });
}

test('the command exits with 2 on wrong usage, and shows its help with 0', () => {
  const lab = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(ROOT, 'scripts/lab.ts'), ...words], { encoding: 'utf8' });
  const wrong = lab('boot', '--kernel', '5.4', '--', 'x');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^lab: the lab has no kernel 5\.4: it has 6\.1, 6\.12, 7\.2/);
  const help = lab('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: npm run lab -- boot --kernel /);
});
