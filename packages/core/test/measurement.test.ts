import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { concat, fromHex, isAllZero, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import {
  bootAggregate,
  emptyPcr,
  encodeAsciiEntry,
  encodeBinaryEntry,
  encodeTemplateData,
  firstForgedDigest,
  matchingPrefix,
  parseBinaryList,
  replay,
  templateDigest,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import fc from 'fast-check';

const LISTS = { 'ima-sig': ['sha1', 'sha256'], 'ima-ng': ['sha1', 'sha256', 'sha384', 'sha512'] } as const;

function vector(name: string): Buffer {
  return readFileSync(new URL(`vectors/lists/${name}`, import.meta.url));
}

function pcrValues(folder: string, bank: HashName): Map<number, Uint8Array> {
  const lines = vector(`${folder}/pcr-${bank}.txt`).toString().trim().split('\n');
  return new Map(
    lines.map((line) => line.trim().split(/\s+/)).map(([index, hex]) => [Number(index), fromHex(hex ?? '')]),
  );
}

function entriesOf(folder: string, bank: HashName): MeasurementEntry[] {
  return parseBinaryList(vector(`${folder}/binary_runtime_measurements_${bank}`), { bank }).entries;
}

for (const [folder, banks] of Object.entries(LISTS)) {
  for (const bank of banks) {
    describe(`kernel 6.12 list ${folder}, bank ${bank}`, () => {
      const entries = entriesOf(folder, bank);

      test('is parsed to its last byte, and written again byte for byte', () => {
        const bytes = vector(`${folder}/binary_runtime_measurements_${bank}`);
        assert.equal(parseBinaryList(bytes, { bank }).consumed, bytes.length);
        assert.deepEqual(Buffer.from(concat(entries.map(encodeBinaryEntry))), bytes);
      });

      test('reads as the ascii list of the kernel', () => {
        const ascii = vector(`${folder}/ascii_runtime_measurements_${bank}`);
        assert.equal(Buffer.from(concat(entries.map(encodeAsciiEntry))).toString('latin1'), ascii.toString('latin1'));
      });

      test('has only template digests that are the digests of their data', () => {
        assert.equal(firstForgedDigest(nodeHasher, bank, entries), undefined);
      });

      test('replays to the value of PCR 10, violations extended as 0xff', () => {
        const replayed = replay(nodeHasher, { bank, pcr: 10, value: emptyPcr(bank) }, entries);
        assert.equal(toHex(replayed.value), toHex(pcrValues(folder, bank).get(10) ?? new Uint8Array()));
        assert.equal(entries.filter((entry) => entry.violation).length, 2);
      });
    });
  }
}

test('boot_aggregate is the digest of PCR 0 to 9 of the bank that its field names', () => {
  const first = entriesOf('ima-sig', 'sha256')[0];
  assert.equal(first?.fields.digest?.algorithm, 'sha256');
  assert.equal(
    toHex(first.fields.digest.value),
    toHex(bootAggregate(nodeHasher, 'sha256', pcrValues('ima-sig', 'sha256'))),
  );
});

test('boot_aggregate in a SHA-1 bank covers PCR 0 to 7', () => {
  const first = entriesOf('ima-ng', 'sha1')[0];
  assert.equal(
    toHex(first?.fields.digest?.value ?? new Uint8Array()),
    toHex(bootAggregate(nodeHasher, 'sha1', pcrValues('ima-ng', 'sha1'))),
  );
});

test('a list of one bank replays to the PCR of another, because its template data are the same', () => {
  const entries = entriesOf('ima-ng', 'sha1');
  const replayed = replay(nodeHasher, { bank: 'sha512', pcr: 10, value: emptyPcr('sha512') }, entries);
  assert.equal(toHex(replayed.value), toHex(pcrValues('ima-ng', 'sha512').get(10) ?? new Uint8Array()));
});

test('the matching prefix ends at the entry that the PCR value covers', () => {
  const entries = entriesOf('ima-sig', 'sha256');
  const from = { bank: 'sha256', pcr: 10, value: emptyPcr('sha256') } as const;
  for (const count of [0, 1, 7, entries.length]) {
    const { value } = replay(nodeHasher, from, entries.slice(0, count));
    assert.equal(matchingPrefix(nodeHasher, from, entries, value), count);
  }
  assert.equal(
    matchingPrefix(nodeHasher, from, entries.slice(1), pcrValues('ima-sig', 'sha256').get(10) ?? emptyPcr('sha256')),
    undefined,
  );
});

test('a flipped byte in template data is found at its entry', () => {
  const bytes = Uint8Array.from(vector('ima-sig/binary_runtime_measurements_sha256'));
  const third = parseBinaryList(bytes, { bank: 'sha256' }).entries[2];
  assert.ok(third);
  const inside = third.offset + third.length - 8;
  bytes[inside] = (bytes[inside] ?? 0) ^ 1;
  const forged = firstForgedDigest(nodeHasher, 'sha256', parseBinaryList(bytes, { bank: 'sha256' }).entries);
  assert.equal(forged?.number, 3);
});

test('a list is continued from an entry number and offset', () => {
  const bytes = vector('ima-sig/binary_runtime_measurements_sha256');
  const whole = parseBinaryList(bytes, { bank: 'sha256' }).entries;
  const fifth = whole[4];
  assert.ok(fifth);
  const rest = parseBinaryList(bytes.subarray(fifth.offset), {
    bank: 'sha256',
    firstEntry: 5,
    firstOffset: fifth.offset,
  });
  assert.deepEqual(rest.entries, whole.slice(4));
});

test('a list cut at any byte is refused, or left before the record that is not whole', () => {
  const bytes = vector('ima-sig/binary_runtime_measurements_sha256').subarray(0, 900);
  const whole = parseBinaryList(vector('ima-sig/binary_runtime_measurements_sha256'), { bank: 'sha256' }).entries;
  const ends = new Set([0, ...whole.map((entry) => entry.offset + entry.length)]);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    const { consumed } = parseBinaryList(cut, { bank: 'sha256', incompleteTail: 'leave' });
    assert.ok(ends.has(consumed));
    if (ends.has(length)) continue;
    assert.throws(() => parseBinaryList(cut, { bank: 'sha256' }), { name: 'FormatError', code: 'BYTES-TRUNCATED' });
  }
});

const record = (parts: {
  pcr?: number;
  name?: string;
  data?: Uint8Array;
  nameLength?: number;
  dataLength?: number;
}) => {
  const name = utf8(parts.name ?? 'ima-ng');
  const data = parts.data ?? encodeTemplateData('ima-ng', GOOD);
  const header = Buffer.alloc(4);
  header.writeUInt32LE(parts.pcr ?? 10);
  const nameLength = Buffer.alloc(4);
  nameLength.writeUInt32LE(parts.nameLength ?? name.length);
  const dataLength = Buffer.alloc(4);
  dataLength.writeUInt32LE(parts.dataLength ?? data.length);
  return concat([header, new Uint8Array(32).fill(1), nameLength, name, dataLength, data]);
};
const GOOD = { digest: { algorithm: 'sha256', value: new Uint8Array(32) }, name: utf8('/x') } as const;
const field = (text: string): Uint8Array => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return concat([length, Buffer.from(text, 'latin1')]);
};
const DIGEST = `sha256:\0${'d'.repeat(32)}`;

const MALFORMED: readonly (readonly [string, Uint8Array, string])[] = [
  ['a PCR that does not exist', record({ pcr: 24 }), 'LIST-PCR'],
  ['a big-endian PCR', record({ pcr: 0x0a000000 }), 'LIST-PCR'],
  ['a template name of four gigabytes', record({ nameLength: 0xffffffff }), 'BYTES-LIMIT'],
  ['template data of four gigabytes', record({ dataLength: 0xffffffff }), 'BYTES-LIMIT'],
  ['an unknown template', record({ name: 'ima-sigv9' }), 'LIST-TEMPLATE'],
  ['a template of an inherited property name', record({ name: 'constructor' }), 'LIST-TEMPLATE'],
  ['an empty template name', record({ name: '' }), 'LIST-TEMPLATE'],
  ['an escape sequence in the template name', record({ name: '\u001b[2J' }), 'LIST-TEMPLATE'],
  ['more than 15 fields', record({ name: Array(16).fill('sig').join('|') }), 'LIST-TEMPLATE'],
  [
    'bytes after the last field',
    record({ data: concat([encodeTemplateData('ima-ng', GOOD), Uint8Array.of(0)]) }),
    'BYTES-TRAILING',
  ],
  ['a field longer than the data', record({ data: Uint8Array.of(255, 0, 0, 0) }), 'BYTES-TRUNCATED'],
  ['a missing field', record({ data: field(DIGEST) }), 'BYTES-TRUNCATED'],
  ['a digest without algorithm', record({ data: concat([field('d'.repeat(32)), field('/x\0')]) }), 'LIST-FIELD'],
  [
    'a digest of an unknown algorithm',
    record({ data: concat([field(`sha257:\0${'d'.repeat(32)}`), field('/x\0')]) }),
    'HASH-UNKNOWN',
  ],
  [
    'a digest shorter than its algorithm',
    record({ data: concat([field(DIGEST.slice(0, -1)), field('/x\0')]) }),
    'LIST-FIELD',
  ],
  ['a digest longer than its algorithm', record({ data: concat([field(`${DIGEST}d`), field('/x\0')]) }), 'LIST-FIELD'],
  ['a name without NUL', record({ data: concat([field(DIGEST), field('/x')]) }), 'LIST-FIELD'],
  ['an empty name field', record({ data: concat([field(DIGEST), field('')]) }), 'LIST-FIELD'],
  ['a NUL inside the name', record({ data: concat([field(DIGEST), field('/x\0/y\0')]) }), 'LIST-FIELD'],
  [
    'a name longer than a path can be',
    record({ data: concat([field(DIGEST), field(`${'x'.repeat(5000)}\0`)]) }),
    'LIST-FIELD',
  ],
];

for (const [what, bytes, code] of MALFORMED) {
  test(`${what} is refused with ${code}, even where the tail may be incomplete`, () => {
    assert.throws(() => parseBinaryList(bytes, { bank: 'sha256' }), { name: 'FormatError', code });
    if (code !== 'BYTES-TRUNCATED') {
      assert.throws(() => parseBinaryList(bytes, { bank: 'sha256', incompleteTail: 'leave' }), { code });
    }
  });
}

test('an error names the entry and its offset in the whole list', () => {
  const bad = concat([record({}), record({ pcr: 99 })]);
  const place = { entry: 42, offset: 1000 + record({}).length };
  assert.throws(
    () => parseBinaryList(bad, { bank: 'sha256', firstEntry: 41, firstOffset: 1000 }),
    (error) => error instanceof FormatError && error.place.entry === place.entry && error.place.offset === place.offset,
  );
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.uint8Array({ min: 1, minLength: 1, maxLength: 300 });
const digest = fc.oneof(
  bytes(20).map((value) => ({ algorithm: 'sha1' as const, value })),
  bytes(32).map((value) => ({ algorithm: 'sha256' as const, value })),
  bytes(64).map((value) => ({ algorithm: 'sha512' as const, value })),
);
const fields = fc.oneof(
  fc.record({ template: fc.constant('ima-ng' as const), fields: fc.record({ digest, name }) }),
  fc.record({
    template: fc.constant('ima-sig' as const),
    fields: fc.record({ digest, name, signature: fc.uint8Array() }),
  }),
  fc.record({
    template: fc.constant('ima-buf' as const),
    fields: fc.record({ digest, name, buffer: fc.uint8Array() }),
  }),
);

test('what is written is read back equal', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ pcr: fc.integer({ min: 0, max: 23 }), content: fields })), (list) => {
      const written = list.map(({ pcr, content }) => {
        const templateData = encodeTemplateData(content.template, content.fields);
        return {
          pcr,
          template: content.template,
          templateData,
          templateDigest: templateDigest(nodeHasher, 'sha256', { template: content.template, templateData }),
        };
      });
      const read = parseBinaryList(concat(written.map(encodeBinaryEntry)), { bank: 'sha256' }).entries;
      assert.deepEqual(
        read.map((entry) => Buffer.from(encodeBinaryEntry(entry))),
        written.map((entry) => Buffer.from(encodeBinaryEntry(entry))),
      );
      for (const [index, entry] of read.entries()) {
        const { digest, name, signature, buffer } = entry.fields;
        assert.deepEqual(
          { digest, name, signature, buffer },
          { signature: undefined, buffer: undefined, ...list[index]?.content.fields },
        );
      }
    }),
  );
});

test('arbitrary bytes give entries or a FormatError, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      try {
        parseBinaryList(noise, { bank: 'sha256', incompleteTail: 'leave' });
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }),
  );
});

test('a violation is recorded as zeros', () => {
  const violations = entriesOf('ima-sig', 'sha256').filter((entry) => entry.violation);
  assert.ok(violations.every((entry) => isAllZero(entry.templateDigest)));
});
