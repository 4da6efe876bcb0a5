import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { atOnce } from '../at-once.ts';

const never = new AbortController().signal;

test('so many tasks run at once and no more, and their results come in the order of the items', async () => {
  let running = 0;
  let most = 0;
  const results = await atOnce(
    2,
    [3, 1, 2, 1],
    async (turns) => {
      running++;
      most = Math.max(most, running);
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      running--;
      return turns * 10;
    },
    never,
  );
  assert.deepEqual(results, [30, 10, 20, 10]);
  assert.equal(most, 2);
});

test('when a task fails the others are aborted, none begins, and its error is what is thrown', async () => {
  const begun: string[] = [];
  let aborted = false;
  const run = async (item: string, signal: AbortSignal): Promise<void> => {
    begun.push(item);
    if (item === 'bad') throw new RangeError('bad');
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve());
    await promise;
    aborted = true;
    signal.throwIfAborted();
  };
  await assert.rejects(atOnce(2, ['slow', 'bad', 'later'], run, never), new RangeError('bad'));
  assert.deepEqual(begun, ['slow', 'bad']);
  assert.ok(aborted);
});

test('an abort from outside ends the tasks', async () => {
  const outside = new AbortController();
  const run = async (): Promise<void> => outside.abort(new Error('interrupted'));
  await assert.rejects(atOnce(1, [1, 2], run, outside.signal), /interrupted/);
});
