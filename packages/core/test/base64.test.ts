import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fromBase64, toBase64 } from '@assay/core/bytes';

test('bytes of every length are written in base64 as Node writes them, and read back', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = randomBytes(length);
    assert.equal(toBase64(bytes), bytes.toString('base64'));
    assert.deepEqual(fromBase64(toBase64(bytes)), new Uint8Array(bytes));
  }
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['a length that is no multiple of four', 'AAA'],
  ['no padding', 'AA'],
  ['padding alone', '===='],
  ['too much padding', 'A==='],
  ['padding within', 'AA==AAAA'],
  ['bits that no byte has', 'AB=='],
  ['bits that no byte has, of three letters', 'AAB='],
  ['letters of base64url', 'AA-_'],
  ['a blank', 'AA A'],
  ['a line break', 'AAA\n'],
  ['a letter beyond ASCII', 'AAAé'],
  ['a letter whose low bits are those of a good one', 'AAA\u0141'],
];

for (const [what, text] of REFUSED) {
  test(`base64 is refused with ${what}`, () => {
    assert.throws(() => fromBase64(text), { code: 'TEXT-BASE64' });
  });
}
