import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepWritersOff, leaseBreakTime } from '@assay/linux/files';
import { WaitingWriters } from '../src/gate/waiting-writers.ts';
import { eventually, scratchDirectory } from './support.ts';

test('a writer who waits is overdue before the kernel lets him go on, and is told apart from one who may have', async () => {
  using directory = scratchDirectory();
  const path = join(directory.path, 'file');
  writeFileSync(path, 'content');
  const fd = openSync(path, 'r');
  assert.equal(keepWritersOff(fd), 'none');
  const writers = new WaitingWriters(fd, 0);
  assert.deepEqual([writers.areOverdue(20), writers.mayHaveGoneOn(20)], [false, false]);
  const writer = spawn('/bin/sh', ['-c', 'echo more >> "$0"', path], { stdio: 'ignore' });
  const ended = once(writer, 'exit');
  await eventually('he waits', () => keepWritersOff(fd) === 'some');
  // He waits for as long as the clock that is given says.
  assert.deepEqual([writers.areOverdue(40), writers.areOverdue(1020)], [false, false]);
  assert.deepEqual([writers.areOverdue(1060), writers.mayHaveGoneOn(1060)], [true, false]);
  assert.deepEqual(
    [writers.mayHaveGoneOn(leaseBreakTime()), writers.mayHaveGoneOn(40 + leaseBreakTime())],
    [false, true],
  );
  closeSync(fd);
  await ended;
});

test('where nobody looked for a long time, a writer may have come and gone', () => {
  using directory = scratchDirectory();
  const path = join(directory.path, 'file');
  writeFileSync(path, 'content');
  const fd = openSync(path, 'r');
  const writers = new WaitingWriters(fd, 0);
  assert.equal(writers.mayHaveGoneOn(leaseBreakTime()), true);
  closeSync(fd);
});
