import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { concat, equalBytes, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { plainInPlaceHasher, type HashName } from '@assay/core/hash';
import {
  asciiBankOf,
  byteOrderOf,
  decodeVerifierState,
  digestText,
  emptyPcr,
  encodeAsciiEntry,
  encodeBinaryEntry,
  encodeTemplateData,
  encodeVerifierState,
  entryKind,
  entryStream,
  extendPcr,
  extendValue,
  hasRightDigest,
  ListVerifier,
  parseAsciiList,
  parseBinaryList,
  templateDigest,
  type EntryContent,
  type ExpectedPcr,
  type ListForm,
  type ListReport,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import fc from 'fast-check';
import { listEntry, TEMPLATES } from './measurement-arbitraries.ts';

const hasher = plainInPlaceHasher(nodeHasher);
const RULES = ['own-digest', 'padded-sha1', 'padded-sha1-whole-violations'] as const;

/** What is wrong with a list, as far as it has to be the same in every way of reading. */
interface Refusal {
  readonly code: string;
  readonly entry: unknown;
  readonly offset: unknown;
  readonly line: unknown;
}

function outcome<T>(read: () => T): T | Refusal {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    const { entry, offset, line } = error.place ?? {};
    return { code: error.code, entry, offset, line };
  }
}

function parsed(bytes: Uint8Array, form: ListForm): MeasurementEntry[] {
  return form.format === 'ascii' ? parseAsciiList(bytes, form) : parseBinaryList(bytes, form).entries;
}

interface Asked {
  readonly form: ListForm;
  readonly banks: readonly HashName[];
  readonly expected: readonly ExpectedPcr[];
}

/** The same by the functions for single entries, which know nothing of the verifier. */
function reportByEntries(bytes: Uint8Array, { form, banks, expected }: Asked): object {
  const entries = parsed(bytes, form);
  const forged = entries.filter((entry) => !hasRightDigest(nodeHasher, form.bank, entry));
  const occurring = [...new Set(entries.map(({ pcr }) => pcr))].flatMap((pcr) => banks.map((bank) => ({ bank, pcr })));
  const others = occurring.filter(({ bank, pcr }) => expected.every((one) => one.bank !== bank || one.pcr !== pcr));
  const templates = entries.map(({ template }) => template);
  return {
    entries: entries.length,
    bytes: entries.reduce((sum, { length }) => sum + length, 0),
    violations: entries.filter(({ violation }) => violation).length,
    templates: [...new Set(templates)]
      .map((name) => `${name} ${templates.filter((one) => one === name).length}`)
      .toSorted(),
    forged: forged.map(({ number, offset }) => ({ entry: number, offset })),
    bootAggregates: entries
      .filter((entry) => entryKind(entry) === 'boot-aggregate')
      .map(({ number, offset, fields }) => `${number} ${offset} ${digestText(fields.digest)}`),
    pcrs: [...expected, ...others].map((one) => replayed(entries, one)),
  };
}

function replayed(
  entries: readonly MeasurementEntry[],
  one: Omit<ExpectedPcr, 'value'> & { value?: Uint8Array },
): string {
  const { bank, pcr, value: expected } = one;
  const rules = expected === undefined || bank === 'sha1' ? (['own-digest'] as const) : RULES;
  const tracks = rules.map((rule) => {
    let value: Uint8Array = emptyPcr(bank);
    let matched: number | undefined;
    for (const entry of entries.filter((candidate) => candidate.pcr === pcr)) {
      value = extendPcr(nodeHasher, bank, value, extendValue(nodeHasher, bank, entry, rule));
      if (expected !== undefined && equalBytes(value, expected)) matched ??= entry.number;
    }
    return { rule, value, matched };
  });
  const best = tracks.find(({ matched }) => matched !== undefined) ?? tracks[0];
  return `${bank}:${pcr} ${toHex(best?.value ?? emptyPcr(bank))} ${best?.rule} ${best?.matched}`;
}

function reportOf(verifier: ListVerifier): object {
  const { templates, forged, forgedEntries, bootAggregates, pcrs, ...counts }: ListReport = verifier.report;
  assert.equal(forged, forgedEntries.length);
  return {
    ...counts,
    templates: [...templates].map(([name, count]) => `${name} ${count}`).toSorted(),
    forged: forgedEntries,
    bootAggregates: bootAggregates.map(({ entry, offset, digest }) => `${entry} ${offset} ${digestText(digest)}`),
    pcrs: pcrs.map(
      ({ bank, pcr, value, rule, matchedEntries }) => `${bank}:${pcr} ${toHex(value)} ${rule} ${matchedEntries}`,
    ),
  };
}

function verified(pieces: readonly Uint8Array[], asked: Asked): object {
  const verifier = ListVerifier.begin(asked, hasher);
  for (const piece of pieces) verifier.push(piece);
  verifier.end();
  return reportOf(verifier);
}

/** The state goes to another verifier after each piece, as bytes. */
function verifiedInTurns(pieces: readonly Uint8Array[], asked: Asked): object {
  let verifier = ListVerifier.begin(asked, hasher);
  for (const piece of pieces) {
    verifier.push(piece);
    verifier = ListVerifier.resume(decodeVerifierState(encodeVerifierState(verifier.state)), hasher);
  }
  verifier.end();
  return reportOf(verifier);
}

function streamed(pieces: readonly Uint8Array[], form: ListForm): MeasurementEntry[] {
  const stream = entryStream(form);
  return [...pieces.flatMap((piece) => stream.push(piece)), ...stream.end()];
}

/** The bytes cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
}

function assertSame(bytes: Uint8Array, places: readonly number[], asked: Asked): void {
  const wanted = outcome(() => reportByEntries(bytes, asked));
  const pieces = cut(bytes, places);
  assert.deepEqual(
    outcome(() => verified(pieces, asked)),
    wanted,
  );
  assert.deepEqual(
    outcome(() => verifiedInTurns(pieces, asked)),
    wanted,
  );
  const entries = outcome(() => streamed(pieces, asked.form));
  assert.deepEqual(
    entries,
    outcome(() => parsed(bytes, asked.form)),
  );
}

function encoded(list: readonly EntryContent[], format: ListForm['format']): Uint8Array {
  return concat(list.map(format === 'ascii' ? encodeAsciiEntry : encodeBinaryEntry));
}

/** Lists of both formats and byte orders with violations and forged digests, and what they are asked. */
const list = fc
  .record({
    byteOrder: fc.constantFrom('little' as const, 'big' as const),
    format: fc.constantFrom('binary' as const, 'ascii' as const),
    bank: fc.constantFrom('sha1' as const, 'sha256' as const),
    banks: fc.subarray(['sha1', 'sha256', 'sha512', 'sm3'] as const, { minLength: 1 }),
  })
  .chain((asked) => {
    const one = listEntry(asked.byteOrder, asked.bank);
    return fc.record({ asked: fc.constant(asked), entries: fc.array(one, { minLength: 1, maxLength: 6 }) });
  })
  .map(({ asked: { byteOrder, format, bank, banks }, entries }) => {
    const form: ListForm = { format, bank, byteOrder };
    return { asked: { form, banks, expected: expectedOf(entries, form) }, entries, bytes: encoded(entries, format) };
  });

/** Of each PCR the value after half of the list, by each rule, and one that is never reached. */
function expectedOf(entries: readonly EntryContent[], form: ListForm): ExpectedPcr[] {
  const [pcr = 10] = entries.map((entry) => entry.pcr);
  const half = entries.slice(0, Math.ceil(entries.length / 2)).filter((entry) => entry.pcr === pcr);
  const reached = RULES.map((rule, index): ExpectedPcr => {
    const bank = (['sha256', 'sha384', 'sha512'] as const)[index] ?? 'sha256';
    const extend = (value: Uint8Array, entry: EntryContent): Uint8Array =>
      extendPcr(nodeHasher, bank, value, extendValue(nodeHasher, bank, entry, rule));
    return { bank, pcr, value: half.reduce(extend, emptyPcr(bank)) };
  });
  return [...reached, { bank: form.bank, pcr: 23, value: emptyPcr(form.bank) }];
}

test('in whatever pieces a list comes, and from whoever took it over, the verifier says what its single entries say', () => {
  fc.assert(
    fc.property(list, fc.array(fc.nat(), { maxLength: 6 }), ({ asked, bytes }, places) => {
      assertSame(bytes, places, asked);
    }),
    { numRuns: 150 },
  );
});

test('a list that is changed in any way is refused for the same, at the same entry and offset, or read to the same', () => {
  const change = fc.record({ at: fc.nat(), by: fc.integer({ min: 1, max: 255 }), length: fc.nat(3) });
  fc.assert(
    fc.property(
      list,
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat()),
      ({ asked, bytes }, changes, places) => {
        let bad = bytes;
        for (const { at, by, length } of changes) {
          const index = at % bad.length;
          const middle = Uint8Array.from({ length }, (_, add) => ((bad[index + add] ?? 0) + by) % 256);
          bad = concat([bad.subarray(0, index), middle, bad.subarray(index + 1)]);
        }
        assertSame(bad, places, asked);
      },
    ),
    { numRuns: 400 },
  );
});

for (const format of ['binary', 'ascii'] as const) {
  const form: ListForm = { format, bank: 'sha256' };
  const contents = TEMPLATES.map((template, index): EntryContent => {
    const digest = { algorithm: 'sha1', value: new Uint8Array(20).fill(index), type: 'ima' } as const;
    const fields = { digest, name: new TextEncoder().encode(`/bin/${template}\n10_x`), buffer: new Uint8Array(index) };
    const content = { template, templateData: encodeTemplateData(template, fields) };
    return { pcr: 10, ...content, templateDigest: templateDigest(nodeHasher, 'sha256', content) };
  });
  const bytes = encoded(contents, format);
  const asked: Asked = { form, banks: ['sha256'], expected: [] };

  test(`an ${format} list may be cut at every offset`, () => {
    const wanted = reportByEntries(bytes, asked);
    const entries = parsed(bytes, form);
    for (let at = 0; at <= bytes.length; at++) {
      const pieces = [bytes.slice(0, at), bytes.slice(at)];
      assert.deepEqual(verified(pieces, asked), wanted, `cut at ${at}`);
      assert.deepEqual(verifiedInTurns(pieces, asked), wanted, `cut at ${at}`);
      assert.deepEqual(streamed(pieces, form), entries, `cut at ${at}`);
    }
    assert.deepEqual(
      streamed(
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
        form,
      ),
      entries,
    );
  });

  test(`any prefix of an ${format} list is read to whole entries or refused in the same way`, () => {
    for (let length = 0; length < bytes.length; length++) assertSame(bytes.slice(0, length), [length >> 1], asked);
  });

  test(`any bit of an ${format} list changed gives the same in both ways`, () => {
    for (let bit = 0; bit < 8 * bytes.length; bit += 11) {
      const bad = Uint8Array.from(bytes);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assertSame(bad, [bit], asked);
    }
  });
}

const LISTS = new URL('vectors/lists/', import.meta.url);

describe('the lists of kernels', () => {
  for (const folder of readdirSync(LISTS).filter((name) => !name.includes('README'))) {
    for (const file of readdirSync(new URL(`${folder}/`, LISTS)).filter((name) => name.includes('_measurements'))) {
      test(`${folder}/${file} is verified to the same in both ways`, () => {
        const bytes = new Uint8Array(readFileSync(new URL(`${folder}/${file}`, LISTS)));
        const named = (['sha256', 'sha384', 'sha512'] as const).find((name) => file.endsWith(name)) ?? 'sha1';
        const format = file.startsWith('ascii') ? 'ascii' : 'binary';
        const form: ListForm = { format, bank: asciiBankOf(bytes) ?? named, byteOrder: byteOrderOf(bytes, named) };
        assertSame(bytes, [1, 1000, 1001], { form, banks: ['sha1', 'sha256'], expected: [] });
      });
    }
  }
});

test('a list with ten million different templates is refused after a thousand', () => {
  const ids = ['d-ng', 'n-ng', 'sig', 'buf', 'modsig', 'evmsig'];
  const verifier = ListVerifier.begin({ form: { format: 'binary', bank: 'sha1' } }, hasher);
  const digest = { algorithm: 'sha1', value: new Uint8Array(20) } as const;
  const data = (template: string): Uint8Array => {
    const fields = { digest, name: new TextEncoder().encode('/x'), buffer: new Uint8Array(0) };
    return encodeTemplateData(template, fields);
  };
  assert.throws(
    () => {
      for (let number = 0; number < 10_000_000; number++) {
        const names = Array.from({ length: 6 }, (_, place) => ids[Math.floor(number / 6 ** place) % 6] ?? 'sig');
        const template = names.join('|');
        const content = { template, templateData: data(template) };
        verifier.push(encodeBinaryEntry({ pcr: 10, ...content, templateDigest: new Uint8Array(20) }));
      }
    },
    { code: 'LIST-TEMPLATE' },
  );
  assert.equal(verifier.report.templates.size, 1000);
});

test('lengths that lie are refused at once, however long the list goes on', () => {
  const ng = encodeTemplateData('ima-ng', {
    digest: { algorithm: 'sha1', value: new Uint8Array(20) },
    name: Uint8Array.of(0x2f),
  });
  const good = encodeBinaryEntry({ pcr: 10, template: 'ima-ng', templateData: ng, templateDigest: new Uint8Array(20) });
  for (const [at, code] of [
    [24, 'BYTES-LIMIT'],
    [34, 'BYTES-LIMIT'],
    [38, 'BYTES-TRUNCATED'],
  ] as const) {
    const bad = Uint8Array.from(good);
    new DataView(bad.buffer).setUint32(at, 0x7fffffff, true);
    const verifier = ListVerifier.begin({ form: { format: 'binary', bank: 'sha1' } }, hasher);
    const refusal = outcome(() => verifier.push(concat([good, bad])));
    assert.deepEqual(refusal, { code, entry: 2, offset: good.length, line: undefined }, `length at ${at}`);
  }
});

test('of many forged entries the first thousand are named and all are counted', () => {
  const digest = { algorithm: 'sha1', value: new Uint8Array(20) } as const;
  const templateData = encodeTemplateData('ima-ng', { digest, name: Uint8Array.of(0x2f) });
  const templateDigestOf = new Uint8Array(20).fill(1);
  const record = encodeBinaryEntry({ pcr: 10, template: 'ima-ng', templateData, templateDigest: templateDigestOf });
  const verifier = ListVerifier.begin({ form: { format: 'binary', bank: 'sha1' } }, hasher);
  verifier.push(concat(Array.from({ length: 5000 }, () => record)));
  const { forged, forgedEntries } = verifier.report;
  assert.deepEqual([forged, forgedEntries.length], [5000, 1000]);
  assert.deepEqual(forgedEntries.at(-1), { entry: 1000, offset: 999 * record.length });
});

test('what is not the state of a list is refused', () => {
  const verifier = ListVerifier.begin({ form: { format: 'binary', bank: 'sha256' } }, hasher);
  verifier.push(new Uint8Array(readFileSync(new URL('ima-sig/binary_runtime_measurements_sha256', LISTS))));
  const good = encodeVerifierState(verifier.state);
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => decodeVerifierState(good.subarray(0, length)), { name: 'FormatError' }, `${length} bytes`);
  }
  assert.throws(() => decodeVerifierState(concat([good, Uint8Array.of(0)])), { code: 'BYTES-TRAILING' });
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      try {
        decodeVerifierState(good.with(at, ((good[at] ?? 0) + by) % 256));
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
