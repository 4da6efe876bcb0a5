import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { MeasurementList } from '../src/list.ts';
import { RunningEngine, type EngineWatch } from '../src/running-engine.ts';
import type { WatchHandlers } from '../src/watch.ts';
import type { LostMessage, LostReason, MeasuredMessage } from '../src/watch-messages.ts';
import { assertReplays, FaultyTpm, names, pairsOf, readList, scratchDirectory, startTpm } from './support.ts';

/** A watching thread that says what the test lets it say. */
class ScriptedWatch implements EngineWatch {
  handlers: WatchHandlers | undefined;
  readonly acknowledged: number[] = [];
  /** What it says when it is stopped. */
  readonly last: (MeasuredMessage | LostMessage)[] = [];

  connect(handlers: WatchHandlers): void {
    this.handlers = handlers;
  }

  acknowledge(sequence: number): void {
    this.acknowledged.push(sequence);
  }

  async stop(): Promise<void> {
    await Promise.resolve();
    for (const message of this.last.splice(0)) this.handlers?.message(message);
    this.handlers?.ended(undefined);
  }
}

const measured = (sequence: number, path: string): MeasuredMessage => ({
  kind: 'measured',
  sequence,
  path: utf8(path),
  sha256: nodeHasher.digest('sha256', utf8(path)),
  pid: 7,
});
const lost = (sequence: number, reason: LostReason, path?: string): LostMessage => ({
  kind: 'lost',
  sequence,
  reason,
  path: path === undefined ? undefined : utf8(path),
});

async function begun(setting: { directory: string; tpm: FaultyTpm; log?: string[]; stopLimit?: number }): Promise<{
  engine: RunningEngine;
  watch: ScriptedWatch;
  unlocked: () => boolean;
}> {
  const { directory, tpm, log = [], stopLimit } = setting;
  const { list, continued } = await MeasurementList.open(directory, tpm);
  const watch = new ScriptedWatch();
  let unlocked = false;
  const unlock = (): void => {
    unlocked = true;
  };
  const options = { directory, tpm, mounts: ['/'], mode: 'notify', log: (line: string) => log.push(line) } as const;
  const engine = new RunningEngine(options, ['/'], { watch, list, unlock }, stopLimit);
  await engine.begin(continued);
  return { engine, watch, unlocked: () => unlocked };
}

test('what is lost is recorded as a gap with its reason, in its place in the list', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { engine, watch } = await begun({ directory: directory.path, tpm: new FaultyTpm(machine.tpm) });
  engine.message(measured(1, '/a'));
  engine.message(lost(2, 'queue-overflow'));
  engine.message(lost(3, 'file-unreadable', '/b c;'));
  engine.message(measured(4, '/d'));
  await engine.stop('done');
  const gap = 'assay-engine-gap';
  assert.deepEqual(names(directory.path).slice(2), ['/a', gap, gap, '/d', 'assay-engine-stop']);
  const entries = readList(directory.path);
  assert.deepEqual(pairsOf(entries[3]).slice(2), [
    ['reason', 'queue-overflow'],
    ['lost', '1'],
  ]);
  assert.deepEqual(pairsOf(entries[4]).slice(2), [
    ['reason', 'file-unreadable'],
    ['lost', '2'],
    ['path', '/b c%3B'],
  ]);
  assert.equal(engine.status().lost, 2);
  assert.deepEqual(watch.acknowledged, [1, 2, 3, 4]);
  await assertReplays(directory.path, machine.tpm);
});

test('a message is acknowledged after its entry is extended, not before', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { engine, watch } = await begun({ directory: directory.path, tpm });
  const acknowledged = watch.acknowledge.bind(watch);
  const extendsAt: number[] = [];
  watch.acknowledge = (sequence) => {
    extendsAt.push(tpm.extends);
    acknowledged(sequence);
  };
  const before = tpm.extends;
  for (const [index, path] of ['/a', '/b', '/a', '/c'].entries()) engine.message(measured(index + 1, path));
  await engine.stop('done');
  assert.deepEqual(
    extendsAt.map((extended) => extended - before),
    [1, 2, 2, 3],
  );
});

test('what the watching thread says at its end stands before the stop record', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const { engine, watch, unlocked } = await begun({ directory: directory.path, tpm: new FaultyTpm(machine.tpm) });
  watch.last.push(measured(1, '/late'), lost(2, 'stopped'));
  await Promise.all([engine.stop('first'), engine.stop('second')]);
  const all = ['boot_aggregate', 'assay-engine-start', '/late', 'assay-engine-gap', 'assay-engine-stop'];
  assert.deepEqual(names(directory.path), all);
  assert.deepEqual(pairsOf(readList(directory.path).at(-1)).slice(2), [
    ['reason', 'first'],
    ['lost', '1'],
  ]);
  assert.ok(unlocked());
});

test('an end of the watching thread that nobody asked for is recorded and told', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const log: string[] = [];
  const { engine } = await begun({ directory: directory.path, tpm: new FaultyTpm(machine.tpm), log });
  engine.ended(new Error('it fell over'));
  assert.equal(engine.status().watching, false);
  assert.equal(engine.status().problem, 'it fell over');
  assert.match(log.join('\n'), /it fell over/);
  await engine.stop('done');
  assert.deepEqual(names(directory.path).slice(2), ['assay-engine-gap', 'assay-engine-stop']);
  assert.deepEqual(pairsOf(readList(directory.path)[2])[2], ['reason', 'watcher-ended']);
});

test('an engine whose PCR something else extends ends its watch and says so', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { engine } = await begun({ directory: directory.path, tpm });
  await machine.tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(1)]]));
  tpm.faults.push('fails');
  engine.message(measured(1, '/a'));
  await engine.stop('done');
  assert.equal(engine.status().watching, false);
  assert.match(engine.status().problem ?? '', /changed without the engine/);
});

test('a stop does not wait for ever for a TPM that does not answer, and holds the lock until it does', async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  const tpm = new FaultyTpm(machine.tpm);
  const { engine, unlocked } = await begun({ directory: directory.path, tpm, stopLimit: 100 });
  tpm.faults.push('hangs');
  engine.message(measured(1, '/a'));
  await engine.stop('done');
  assert.equal(unlocked(), false);
});
