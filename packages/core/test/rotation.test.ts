import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '@assay/core/bytes';
import { plainInPlaceHasher, type HashName } from '@assay/core/hash';
import {
  emptyPcr,
  encodeAsciiEntry,
  encodeBinaryEntry,
  encodeTemplateData,
  entryStream,
  firstRecord,
  ListVerifier,
  parseBinaryList,
  replay,
  rotationOf,
  rotationPairs,
  templateDigest,
  type EntryContent,
  type Rotation,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';

const value = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const ROTATION: Rotation = {
  segment: 3,
  entries: 120,
  violations: 2,
  bytes: 12_345,
  bank: 'sha256',
  sha256: value(7),
  values: new Map([[10, new Map<HashName, Uint8Array>([['sha256', value(1)]])]]),
};

function text(rotation: Rotation): string {
  return ['version=1', ...rotationPairs(rotation).map((pair) => pair.join('='))].map((pair) => `${pair};`).join('');
}

function record(buffer: string, name = 'assay-engine-rotation'): EntryContent {
  const bytes = utf8(buffer);
  const digest = { algorithm: 'sha256', value: nodeHasher.digest('sha256', bytes) } as const;
  const templateData = encodeTemplateData('ima-buf', { digest, name: utf8(name), buffer: bytes });
  const content = { template: 'ima-buf', templateData };
  return { pcr: 10, ...content, templateDigest: templateDigest(nodeHasher, 'sha256', content) };
}

function read(buffer: string, name?: string): Rotation | undefined {
  const [entry] = parseBinaryList(encodeBinaryEntry(record(buffer, name)), { bank: 'sha256' }).entries;
  return rotationOf(entry ?? assert.fail());
}

test('what the record of a rotation says is read as it was written', () => {
  const digest = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
  const banks = fc.record({ sha1: digest(20), sha256: digest(32) });
  const values = fc.dictionary(fc.integer({ min: 0, max: 23 }).map(String), banks, {
    minKeys: 1,
    noNullPrototype: true,
  });
  const count = fc.integer({ min: 1, max: 2 ** 40 });
  const rotations = fc.record({
    segment: count,
    entries: count,
    violations: fc.nat(),
    bytes: count,
    bank: fc.constantFrom('sha256' as const, 'sha1' as const),
    sha256: digest(32),
    values: values.map(
      (all) =>
        new Map(
          Object.entries(all).map(([pcr, { sha1, sha256 }]) => [
            Number(pcr),
            new Map<HashName, Uint8Array>([
              ['sha256', sha256],
              ['sha1', sha1],
            ]),
          ]),
        ),
    ),
  });
  fc.assert(
    fc.property(rotations, (rotation) => assert.equal(text(read(text(rotation)) ?? assert.fail()), text(rotation))),
  );
});

test('an entry of another name is no record of a rotation, whatever it holds', () => {
  assert.equal(read(text(ROTATION), 'assay-engine-mode'), undefined);
  assert.equal(read(text(ROTATION), '/usr/bin/assay-engine-rotation'), undefined);
});

for (const [what, change] of [
  ['no segment', (good: string) => good.replace('segment=3;', '')],
  ['two segments', (good: string) => `${good}segment=3;`],
  ['segment 0', (good: string) => good.replace('segment=3', 'segment=0')],
  ['a number with a sign', (good: string) => good.replace('entries=120', 'entries=+120')],
  ['a number with leading zeros', (good: string) => good.replace('entries=120', 'entries=0120')],
  ['a number that is too large', (good: string) => good.replace('bytes=12345', 'bytes=1234567890123456')],
  ['an unknown bank', (good: string) => good.replace('bank=sha256', 'bank=sha257')],
  ['a short digest', (good: string) => good.replace('sha256=07', 'sha256=')],
  ['a digest in capitals', (good: string) => good.replace(/sha256=[0-9a-f]{64}/, `sha256=${'AB'.repeat(32)}`)],
  ['no values', (good: string) => good.replace(/values=[^;]*/, 'values=')],
  ['a PCR that does not exist', (good: string) => good.replace('10:sha256', '24:sha256')],
  ['a PCR with a leading zero', (good: string) => good.replace('10:sha256', '01:sha256')],
  ['a value of another size', (good: string) => good.replace('10:sha256', '10:sha1')],
  ['a value twice', (good: string) => good.replace(/values=([^;]*)/, 'values=$1,$1')],
  ['more than can be', (good: string) => `${good}x=${'y'.repeat(70_000)};`],
  ['nothing of it', () => 'x'],
] as const) {
  test(`a record of a rotation with ${what} is refused`, () => {
    assert.throws(() => read(change(text(ROTATION))), { name: 'FormatError', code: 'LIST-ROTATION' });
  });
}

test('the first entry is found in either form, if it is whole', () => {
  const content = record(text(ROTATION));
  for (const format of ['binary', 'ascii'] as const) {
    const bytes = format === 'binary' ? encodeBinaryEntry(content) : encodeAsciiEntry(content);
    const form = { format, bank: 'sha256' } as const;
    assert.deepEqual(rotationOf(firstRecord(bytes, form) ?? assert.fail()), ROTATION);
    assert.equal(firstRecord(bytes.subarray(0, -1), form), undefined);
    assert.equal(firstRecord(new Uint8Array(), form), undefined);
  }
});

test('a list that begins after others is numbered and replayed on from there', () => {
  const form = { format: 'binary', bank: 'sha256' } as const;
  const bytes = encodeBinaryEntry(record(text(ROTATION)));
  const [entry] = entryStream(form, ROTATION).push(bytes);
  assert.deepEqual([entry?.number, entry?.offset], [121, 12_345]);
  const { value: after } = replay(nodeHasher, { bank: 'sha256', pcr: 10, value: value(1) }, entry ? [entry] : []);
  for (const expected of [[], [{ bank: 'sha256', pcr: 10, value: after }] as const]) {
    const verifier = ListVerifier.begin({ form, expected, start: ROTATION }, plainInPlaceHasher(nodeHasher));
    verifier.push(bytes);
    verifier.end();
    const { entries, violations, pcrs } = verifier.report;
    assert.deepEqual([entries, violations, pcrs.length], [121, 2, 1]);
    assert.deepEqual(Buffer.from(pcrs[0]?.value ?? []), Buffer.from(after));
    assert.equal(pcrs[0]?.matchedEntries, expected.length === 0 ? undefined : 121);
  }
  const without = ListVerifier.begin(
    { form, expected: [{ bank: 'sha256', pcr: 10, value: after }] },
    plainInPlaceHasher(nodeHasher),
  );
  without.push(bytes);
  assert.equal(without.report.pcrs[0]?.matchedEntries, undefined);
  assert.notDeepEqual(emptyPcr('sha256'), value(1));
});
