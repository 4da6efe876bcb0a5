import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { fileDraft, type EntryDraft } from '../src/drafts.ts';
import { MeasurementList } from '../src/list.ts';
import { Recorder } from '../src/recorder.ts';
import { assertReplays, FaultyTpm, names, scratchDirectory, startTpm } from './support.ts';

const draft = (name: string): EntryDraft => fileDraft(utf8(name), nodeHasher.digest('sha256', utf8(name)));
const ignore = (): void => undefined;
const unexpected = (): never => assert.fail('must not be called');

test('items are settled in the order in which they come, those that are listed already too', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { list } = await MeasurementList.open(directory.path, machine.tpm);
  const recorder = new Recorder(list, ignore, unexpected);
  const settled: string[] = [];
  const programs = Array.from({ length: 600 }, (_, index) => `/${index % 300}`);
  for (const name of programs) {
    recorder.add({
      draft: draft(name),
      settled: (entry) => settled.push(`${name} ${entry === undefined ? 'again' : 'new'}`),
    });
  }
  await recorder.idle();
  list.close();
  assert.deepEqual(
    settled,
    programs.map((name, index) => `${name} ${index < 300 ? 'new' : 'again'}`),
  );
  assert.deepEqual(names(directory.path), ['boot_aggregate', ...programs.slice(0, 300)]);
  await assertReplays(directory.path, machine.tpm);
});

test('while the TPM fails it is tried again, and what comes meanwhile is not lost', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { list } = await MeasurementList.open(directory.path, tpm);
  const lines: string[] = [];
  const recorder = new Recorder(list, (line) => lines.push(line), unexpected);
  tpm.faults.push('fails', 'fails-afterwards', 'fails');
  for (const name of ['/a', '/b', '/c']) recorder.add({ draft: draft(name) });
  await recorder.idle();
  list.close();
  assert.deepEqual(names(directory.path), ['boot_aggregate', '/a', '/b', '/c']);
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /entry 2 failed and is tried again: the extend failed/);
  await assertReplays(directory.path, machine.tpm);
});

test('a PCR that something else extends ends the work with PCR-FOREIGN', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { list } = await MeasurementList.open(directory.path, tpm);
  const failures: unknown[] = [];
  const recorder = new Recorder(list, ignore, (error) => failures.push(error));
  await machine.tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(1)]]));
  tpm.faults.push('fails');
  recorder.add({ draft: draft('/a'), settled: unexpected });
  await recorder.idle();
  recorder.add({ draft: draft('/b'), settled: unexpected });
  await recorder.idle();
  list.close();
  assert.equal(failures.length, 1);
  assert.ok(failures[0] instanceof Error && 'code' in failures[0] && failures[0].code === 'PCR-FOREIGN');
});

test('a recorder that gives up leaves the rest to the next start', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { list } = await MeasurementList.open(directory.path, tpm);
  tpm.faults.push('fails', 'fails', 'fails', 'fails', 'fails', 'fails');
  const recorder = new Recorder(list, () => recorder.giveUp(), ignore);
  for (const name of ['/a', '/b']) recorder.add({ draft: draft(name), settled: unexpected });
  await recorder.idle();
  list.close();
  const again = await MeasurementList.open(directory.path, machine.tpm);
  again.list.close();
  assert.deepEqual(names(directory.path), ['boot_aggregate', '/a']);
  await assertReplays(directory.path, machine.tpm);
});
