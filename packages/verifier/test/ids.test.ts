import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import fc from 'fast-check';
import { decodeIds, encodeIds } from '../src/store/ids.ts';

test('a sequence of numbers is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 51 })), (ids) => {
      assert.deepEqual(decodeIds(encodeIds(ids)), ids);
    }),
  );
});

test('numbers that follow one another take one byte each', () => {
  const ids = Array.from({ length: 1000 }, (_, index) => 5_000_000_000 + index);
  assert.equal(encodeIds(ids).length, 999 + encodeIds([5_000_000_000]).length);
});

test('a sequence that ends within a number is refused', () => {
  const bytes = encodeIds([1000, 3]);
  assert.throws(
    () => decodeIds(bytes.subarray(0, 1)),
    (error) => error instanceof FormatError && error.code === 'BYTES-TRUNCATED',
  );
});
