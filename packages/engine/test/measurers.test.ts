import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { Jobs, Lines } from '../src/gate/jobs.ts';
import { sizesOf } from '../src/gate/measurers.ts';
import type { MeasurerQuestion } from '../src/gate/messages.ts';

const MEGABYTE = 1024 * 1024;

function question(id: number): MeasurerQuestion {
  const known = { memory: undefined, openings: 1, isMapped: false, digests: undefined, of: new Uint32Array() };
  const asked = { kind: 'exec', fd: 0, pid: 0, flags: 0, end: 0, gaveWay: false } as const;
  return { kind: 'judge', id, question: { ...asked, ...known } };
}

/** Lines to threads that do not exist: what each is asked can be taken. */
function lines(sizes: readonly number[]) {
  const ends = sizes.map((largest) => {
    const { port1: port, port2: other } = new MessageChannel();
    const jobs = new SharedArrayBuffer(8);
    return { line: { port, jobs, largest }, theirs: new Jobs(jobs, other), other };
  });
  const close = (): void => ends.forEach(({ other }) => other.close());
  return { lines: new Lines(ends.map(({ line }) => line)), ends, [Symbol.dispose]: close };
}

test('one thread at least is never given a large file, so that others do not wait for it', () => {
  for (const isAllAsked of [true, false]) {
    for (const processors of [1, 2, 8, 64]) {
      const sizes = sizesOf(isAllAsked, processors);
      assert.ok((sizes[0] ?? 0) <= 16 * MEGABYTE);
      assert.equal(sizes.at(-1), Infinity);
      assert.deepEqual(
        sizes,
        sizes.toSorted((a, b) => a - b),
      );
      assert.ok(sizes.length <= 6);
    }
  }
});

test('a question goes to the thread with the fewest of those that take its size', () => {
  using setting = lines([MEGABYTE, Infinity]);
  const { lines: asked, ends } = setting;
  const sizes = [2, 2, 0, 0, 0].map((megabytes) => megabytes * MEGABYTE);
  for (const [id, size] of sizes.entries()) asked.ask(question(id), size);
  const [small, large] = ends.map(({ theirs }) => theirs);
  assert.deepEqual([small?.next()?.id, small?.next()?.id], [2, 3]);
  assert.deepEqual([large?.next()?.id, large?.next()?.id], [0, 1]);
});

test('who has answered is asked again', () => {
  using setting = lines([Infinity, Infinity]);
  const { lines: asked, ends } = setting;
  for (const id of [0, 1]) asked.ask(question(id), 1);
  ends[1]?.other.postMessage({ id: 1, verdict: undefined }, []);
  assert.deepEqual(asked.answer(), { id: 1, verdict: undefined });
  assert.equal(asked.answer(), undefined);
  asked.ask(question(2), 1);
  assert.deepEqual([ends[1]?.theirs.next()?.id, ends[1]?.theirs.next()?.id], [1, 2]);
});
