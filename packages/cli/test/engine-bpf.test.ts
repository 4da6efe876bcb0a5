import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { refusedHooks } from '@assay/linux/lsm';
import { mountTmpfs } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { bpfLines } from '../src/engine/status.ts';
import { assay, isRoot, scratch } from './assay.ts';

test('engine: a gate in the kernel is not for turbo, and cgroups are for the gate', async () => {
  const run = ['engine', 'run', '--watch', '/nowhere'];
  for (const given of [
    ['--turbo', '--bpf', 'log'],
    ['--bpf-cgroup', '/sys/fs/cgroup'],
    ['--bpf', 'on'],
  ]) {
    const ended = await assay([...run, ...given]);
    assert.equal(ended.code, 2, ended.stderr);
    assert.match(ended.stderr, /--bpf/);
  }
});

const refusedGate = isRoot ? refusedHooks(['mmap_file']).get('mmap_file') : undefined;

test('engine: where the kernel lets no gate in, none is pretended', {
  skip: refusedGate === undefined ? 'it needs root, and a kernel that takes no programs at hooks' : false,
  timeout: 120_000,
}, async (t) => {
  const directory = scratch(t);
  const mount = mountTmpfs();
  t.after(() => mount[Symbol.dispose]());
  writeFileSync(join(mount.path, 'program'), '#!/bin/sh\n', { mode: 0o700 });
  for (const supervision of [[], ['--supervise', 'closed']]) {
    const tpm = await startSwtpm();
    t.after(() => tpm.stop());
    const words = ['--directory', join(directory, 'engine'), '--tpm', `swtpm:${tpm.socketPath}`, '--bpf', 'enforce'];
    const ended = await assay(['engine', 'run', '--watch', mount.path, ...words, ...supervision]);
    const [, code = ''] =
      /^error (NOT-PERMITTED|KERNEL-LACKS|BPF-REFUSED): .*(?:bpf|BTF|program)/m.exec(ended.stderr) ?? [];
    assert.equal(ended.code, code === 'NOT-PERMITTED' ? 5 : 3, ended.stderr);
    assert.match(ended.stderr, /^what to do /m);
    execFileSync(join(mount.path, 'program')); // It left nothing that asks.
  }
});

test('engine: what a gate in the kernel saw is told in words', () => {
  const counts = { passed: 5, refused: 2, unasked: 1, dropped: 0 };
  const bpf = { state: 'enforce', cgroups: ['/sys/fs/cgroup/a\u001b'], hooks: ['mmap_file'], ...counts } as const;
  assert.deepEqual(bpfLines({ bpf }), [
    [
      'bpf',
      'refuses what has no verdict; all files for /sys/fs/cgroup/a\\u{1b}: 5 uses with a verdict; without, 2 refused and 1 passed',
    ],
  ]);
  assert.deepEqual(bpfLines({}), []);
  const [[, paused] = []] = bpfLines({ bpf: { ...bpf, state: 'off', cgroups: [], dropped: 3 } });
  assert.equal(paused, 'paused: 5 uses with a verdict; without, 2 refused and 1 passed, 3 of these without a record');
});
