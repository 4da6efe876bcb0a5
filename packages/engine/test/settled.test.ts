import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSettled } from '../src/settled.ts';

const CHANGED = 1_700_000_000_123.5;
const WHOLE_SECOND = 1_700_000_000_000;

test('what changed within two ticks may change again at the same time, on every kernel', () => {
  assert.deepEqual([isSettled(CHANGED, CHANGED + 19), isSettled(CHANGED, CHANGED + 20)], [false, true]);
});

test('where times are whole seconds that is so for two of them', () => {
  const after = [20, 1999, 2000].map((elapsed) => isSettled(WHOLE_SECOND, WHOLE_SECOND + elapsed));
  assert.deepEqual(after, [false, false, true]);
});

test('a change in the future, after the clock was set back, is not settled', () => {
  assert.equal(isSettled(CHANGED, CHANGED - 1), false);
});
