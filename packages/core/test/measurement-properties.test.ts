import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  encodeAsciiEntry,
  encodeBinaryEntry,
  firstForgedDigest,
  parseAsciiList,
  parseBinaryList,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import fc from 'fast-check';
import { entryContent } from './measurement-arbitraries.ts';

for (const byteOrder of ['little', 'big'] as const) {
  test(`entries of every template are read back as they were written, ${byteOrder}-endian, binary and ascii`, () => {
    fc.assert(
      fc.property(fc.array(entryContent(byteOrder, 'sha256')), (list) => {
        const binary = concat(list.map(encodeBinaryEntry));
        const { entries } = parseBinaryList(binary, { bank: 'sha256', byteOrder });
        assert.equal(toHex(concat(entries.map(encodeBinaryEntry))), toHex(binary));
        assert.equal(firstForgedDigest(nodeHasher, 'sha256', entries), undefined);
        const ascii = parseAsciiList(concat(list.map(encodeAsciiEntry)), { bank: 'sha256', byteOrder });
        assert.equal(toHex(concat(ascii.map(encodeBinaryEntry))), toHex(binary));
        assert.deepEqual(
          ascii.map((one) => one.fields),
          entries.map((one) => one.fields),
        );
      }),
    );
  });
}

test('any one byte of a list changed gives the change in the entry, another list or a FormatError, in either form', () => {
  const change = fc.tuple(
    fc.array(entryContent('little', 'sha256'), { minLength: 1, maxLength: 4 }),
    fc.nat(),
    fc.nat({ max: 254 }),
  );
  fc.assert(
    fc.property(change, ([list, at, by]) => {
      for (const [encode, parse] of FORMS) {
        const good = concat(list.map(encode));
        const index = at % good.length;
        const bad = good.with(index, ((good[index] ?? 0) + by + 1) % 256);
        try {
          assert.notEqual(
            toHex(concat(parse(bad).map(encodeBinaryEntry))),
            toHex(concat(parse(good).map(encodeBinaryEntry))),
          );
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }
    }),
  );
});

const FORMS = [
  [encodeBinaryEntry, (list: Uint8Array) => parseBinaryList(list, { bank: 'sha256' }).entries],
  [encodeAsciiEntry, (list: Uint8Array) => parseAsciiList(list, { bank: 'sha256' })],
] as const;

test('an ascii list is read only as the kernel writes it', () => {
  const digest = '5'.repeat(40);
  const line = (start: string, rest: string) => new TextEncoder().encode(`${start} ima-ng ${rest} /x\n`);
  const good = `sha1:${'a'.repeat(40)}`;
  assert.equal(parseAsciiList(line(`10 ${digest}`, good), { bank: 'sha1' }).length, 1);
  assert.equal(parseAsciiList(line(` 9 ${digest}`, good), { bank: 'sha1' })[0]?.pcr, 9);
  for (const start of [
    `09 ${digest}`,
    `24 ${digest}`,
    `9 ${digest}`,
    `10 ${digest.replace('5', 'A')}`,
    `10  ${digest}`,
  ]) {
    assert.throws(() => parseAsciiList(line(start, good), { bank: 'sha1' }), { name: 'FormatError' }, start);
  }
  for (const rest of [good.replace('a', 'A'), good.slice(0, -1), good.slice(5), `${good} /y`, `${good}  `]) {
    assert.throws(() => parseAsciiList(line(`10 ${digest}`, rest), { bank: 'sha1' }), { name: 'FormatError' }, rest);
  }
});

test('arbitrary bytes are no ascii list, or entries, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      try {
        parseAsciiList(noise, { bank: 'sha1' });
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }),
  );
});
