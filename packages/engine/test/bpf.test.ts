import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { hookCoverage } from '@assay/engine';
import { BpfMap, Code, kernelTypes, LsmProgram } from '@assay/linux/bpf';
import { FileStatus } from '@assay/linux/files';
import { bpfLsm, refusedHooks } from '@assay/linux/lsm';
import { gatedHooks } from '../src/bpf/gated-hooks.ts';
import { changingProgram, gateProgram, openingProgram } from '../src/bpf/programs.ts';
import { Reports } from '../src/bpf/reports.ts';
import { HOOKS, MAPS, REPORT, USE, VOUCH } from '../src/bpf/shared.ts';
import { tryOpening, tryVouches } from '../src/bpf/trial.ts';
import { Vouches } from '../src/bpf/vouches.ts';
import { deciderSetup } from './decision-support.ts';
import { scratchDirectory } from './support.ts';

// What of the gate needs no program at a hook, which this kernel may not let in. The whole of it is tried in the kernel lab:
// npm run test:kernel -- --suite bpf-gate, whose answers scripts/test/bpf-gate-suite.test.ts judges.

const { types, call, active } = bpfLsm();
const skip =
  types && call === 'works' && active === true
    ? false
    : 'it needs root, and a kernel with types and bpf among its security modules';

/** It may take no program nevertheless. */
const skipPrograms = skip === false ? (refusedHooks(['file_open']).get('file_open') ?? false) : skip;

interface Setting extends Disposable {
  readonly vouches: Vouches;
  readonly map: BpfMap;
  readonly generation: Int32Array;
  readonly path: string;
  readonly fd: number;
}

function setting(): Setting {
  const directory = scratchDirectory();
  const path = join(directory.path, 'file');
  writeFileSync(path, 'content');
  const fd = openSync(path, 'r');
  const map = new BpfMap(MAPS.vouches);
  const memory = new SharedArrayBuffer(4);
  const generation = new Int32Array(memory);
  const vouches = new Vouches({ vouches: map.fd, reports: -1, generation: memory });
  const end = (): void => {
    closeSync(fd);
    map[Symbol.dispose]();
    directory[Symbol.dispose]();
  };
  return { vouches, map, generation, path, fd, [Symbol.dispose]: end };
}

const stampOf = (fd: number): Uint32Array<ArrayBuffer> => new FileStatus().read(fd).stamp();

test('a file is vouched for, for what it was asked about, as long as nothing changes', { skip }, () => {
  using here = setting();
  const { vouches, fd, path, generation } = here;
  const begun = vouches.begin(fd);
  assert.equal(begun?.uses, 0);
  vouches.confirm(fd, begun, stampOf(fd), USE.exec);
  const again = vouches.begin(fd);
  assert.equal(again?.uses, USE.exec);
  vouches.confirm(fd, again, stampOf(fd), USE.map);
  assert.equal(vouches.begin(fd)?.uses, USE.exec | USE.map);
  chmodSync(path, 0o700);
  assert.equal(vouches.begin(fd)?.uses, 0, 'of another state nothing is known');
  vouches.again(fd, stampOf(fd), USE.map);
  assert.equal(vouches.begin(fd)?.uses, USE.map);
  Atomics.add(generation, 0, 1);
  assert.equal(vouches.begin(fd)?.uses, 0, 'of another generation neither');
});

test('what is taken away while a file is looked at is not vouched for', { skip }, () => {
  using here = setting();
  const { vouches, fd, map } = here;
  const begun = vouches.begin(fd);
  assert.ok(begun);
  map.key.writeInt32LE(fd);
  assert.equal(map.remove(), true); // As the programs do when somebody opens it for writing.
  vouches.confirm(fd, begun, stampOf(fd), USE.exec);
  assert.equal(map.look(), false);
});

test('nobody vouches for a file that is open for writing, or for another state than that of the verdict', {
  skip,
}, () => {
  using here = setting();
  const { vouches, fd, path, map } = here;
  const writer = openSync(path, 'r+');
  assert.equal(vouches.begin(fd), undefined);
  closeSync(writer);
  const before = stampOf(fd);
  appendFileSync(path, 'more');
  vouches.again(fd, before, USE.exec);
  map.key.writeInt32LE(fd);
  assert.equal(map.look(), true);
  assert.equal(map.value.readUInt32LE(VOUCH.confirmed), 0);
});

test('uses of a state do not become those of the next', { skip }, () => {
  using here = setting();
  const { vouches, fd, path } = here;
  const first = vouches.begin(fd);
  assert.ok(first);
  vouches.confirm(fd, first, stampOf(fd), USE.exec);
  const second = vouches.begin(fd);
  assert.ok(second);
  chmodSync(path, 0o700);
  vouches.confirm(fd, second, stampOf(fd), USE.map);
  assert.equal(vouches.begin(fd)?.uses, USE.map);
});

test('what programs tell becomes an audit record in the words of the kernel', { skip }, () => {
  using queue = new BpfMap(MAPS.reports);
  const { value } = queue;
  value.writeUInt32LE(1, REPORT.hook);
  value.writeUInt32LE(2, REPORT.reason);
  value.writeBigUInt64LE((77n << 32n) | 78n, REPORT.task);
  value.writeBigUInt64LE(5n, REPORT.inode);
  value.writeUInt32LE((8 << 20) | 1, REPORT.device);
  value.writeUInt32LE(1, REPORT.refused);
  value.writeUInt32LE(1000, REPORT.user);
  value.write('a program', REPORT.comm);
  value.write('lib.so', REPORT.name);
  queue.update();
  const reports = new Reports(
    { vouches: -1, reports: queue.fd, generation: new SharedArrayBuffer(4) },
    deciderSetup({ policy: '' }).kernel.profile,
  );
  const [report, ...others] = reports.take();
  assert.deepEqual(others, []);
  assert.equal(
    report?.audit.text,
    'pid=77 uid=1000 auid=4294967295 ses=4294967295 op=mmap_file cause=changed comm=612070726F6772616D name="lib.so" dev="8:1" ino=5 res=0 errno=0',
  );
  const { denied, func, cause, pid, path } = report.audit;
  assert.deepEqual(
    { denied, func, cause, pid, path },
    {
      denied: true,
      func: 'MMAP_CHECK',
      cause: 'changed',
      pid: 77,
      path: utf8('lib.so'),
    },
  );
  assert.equal(report.inodeKey, 5 + 2 ** 32);
  assert.deepEqual(reports.take(), []);
});

test('programs are written for the types of this kernel', { skip }, () => {
  const maps = { vouches: 3, config: 4, counters: 5, reports: 6, devices: 7, cgroups: 8, cgroupCount: 2 };
  const parts = { types: kernelTypes(), ...maps };
  const codes = [...HOOKS.map((hook) => gateProgram(hook, parts)), openingProgram(parts), changingProgram(parts)];
  for (const code of codes) {
    assert.equal(code.length % 8, 0);
    assert.equal(code.at(-8), 0x95, 'it ends with its end');
  }
});

test('a trial tells a kernel whose programs find what is kept at an inode from one whose programs do not', {
  skip: skipPrograms,
}, () => {
  tryVouches(kernelTypes());
  using map = new BpfMap(MAPS.vouches);
  using idle = new LsmProgram(kernelTypes(), 'file_open', new Code().exit(0).bytes());
  assert.throws(
    () => {
      tryOpening(map, idle);
    },
    { code: 'KERNEL-LACKS' },
  );
  assert.equal(idle.isAttached, false);
});

test('mappings are asked about only where the policy has a rule about them', () => {
  const hooksOf = (policy: string): string[] => gatedHooks(deciderSetup({ policy }));
  assert.deepEqual(hooksOf('measure func=BPRM_CHECK\n'), ['bprm_check_security']);
  assert.deepEqual(hooksOf('dont_measure func=MMAP_CHECK\nmeasure func=BPRM_CHECK\n'), ['bprm_check_security']);
  assert.deepEqual(hooksOf('appraise func=MMAP_CHECK\n'), [...HOOKS]);
  assert.deepEqual(hooksOf('measure uid=0\n'), [...HOOKS]);
});

test('a hook counts as exact only while what has no verdict is refused there', () => {
  const of = (...given: Parameters<typeof hookCoverage>): string =>
    hookCoverage(...given).find(({ func }) => func === 'MMAP_CHECK')?.coverage ?? '';
  const hooks = [...HOOKS];
  assert.equal(of({ possible: true }), 'approximated');
  assert.equal(of({ possible: true }, { state: 'enforce', hooks }), 'exact');
  assert.equal(of({ possible: true }, { state: 'log', hooks }), 'approximated');
  assert.equal(of({ possible: true }, { state: 'off', hooks }), 'approximated');
  assert.equal(of({ possible: true }, { state: 'enforce', hooks: ['bprm_check_security'] }), 'approximated');
  const remedy = (possible: boolean): string | undefined =>
    hookCoverage({ possible }).find(({ func }) => func === 'MMAP_CHECK')?.remedy;
  assert.match(remedy(true) ?? '', /--bpf enforce/);
  assert.equal(remedy(false), undefined);
});
