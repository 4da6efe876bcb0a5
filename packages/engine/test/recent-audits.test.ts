import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentAudits } from '../src/recent-audits.ts';

test('the newest audit records are remembered, with what is known of each, and names escaped', () => {
  const recent = new RecentAudits(2);
  const common = { kind: 'integrity', type: 'INTEGRITY_DATA', text: '', denied: true } as const;
  for (const pid of [1, 2]) recent.add({ ...common, pid, path: Uint8Array.of(0x2f, 0x0a) });
  recent.add({ ...common, pid: 3, path: Uint8Array.of(0x2f), cause: 'missing-hash', func: 'BPRM_CHECK', rule: 'r' });
  const [second, third] = recent.all;
  assert.equal(recent.all.length, 2);
  assert.deepEqual({ ...second, time: '' }, { time: '', type: common.type, denied: true, pid: 2, path: '/\\x0a' });
  assert.deepEqual([third?.pid, third?.cause, third?.func, third?.rule], [3, 'missing-hash', 'BPRM_CHECK', 'r']);
  assert.match(third?.time ?? '', /^\d{4}-.*Z$/);
});
