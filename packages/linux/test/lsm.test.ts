import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bpfLsm } from '@assay/linux/lsm';

const setpriv = spawnSync('setpriv', ['--version']).status === 0 && process.geteuid?.() === 0;

test('what a BPF LSM needs is told of this kernel, as the kernel itself tells it', () => {
  const found = bpfLsm();
  assert.equal(found.types, existsSync('/sys/kernel/btf/vmlinux'));
  const list = '/sys/kernel/security/lsm';
  if (existsSync(list)) assert.equal(found.active, /\bbpf\b/.test(readFileSync(list, 'latin1')));
  else assert.ok(found.active === undefined || typeof found.active === 'boolean');
  assert.ok(['works', 'not-permitted', 'missing'].includes(found.call));
});

test('a process without capabilities is not permitted what root is', {
  skip: setpriv && bpfLsm().call === 'works' ? false : 'it needs root, a kernel with bpf(2), and setpriv of util-linux',
}, () => {
  const script = "const { bpfLsm } = await import('@assay/linux/lsm'); console.log(JSON.stringify(bpfLsm()));";
  const words = ['--bounding-set', '-all', '--inh-caps', '-all', process.execPath, '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync('setpriv', words, {
    encoding: 'utf8',
    timeout: 60_000,
    cwd: import.meta.dirname,
  });
  assert.deepEqual(JSON.parse(stdout || stderr), { ...bpfLsm(), call: 'not-permitted' });
});
