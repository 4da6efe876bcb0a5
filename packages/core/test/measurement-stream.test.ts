import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import { entryStream, parseBinaryList, type ListForm, type MeasurementEntry } from '@assay/core/measurement';
import fc from 'fast-check';

const list = (form: string): Buffer =>
  readFileSync(new URL(`vectors/lists/ima-sig/${form}_runtime_measurements_sha256`, import.meta.url));

const FORMS = ['binary', 'ascii'] as const;
const { entries: WHOLE } = parseBinaryList(list('binary'), { bank: 'sha256' });

interface Streamed {
  readonly entries: readonly MeasurementEntry[];
  readonly failure?: FormatError;
}

function streamed(format: ListForm['format'], bytes: Uint8Array, piece: number): Streamed {
  const stream = entryStream({ format, bank: 'sha256' });
  const entries: MeasurementEntry[] = [];
  try {
    for (let start = 0; start < bytes.length; start += piece) {
      entries.push(...stream.push(bytes.subarray(start, start + piece)));
    }
    entries.push(...stream.end());
    return { entries };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { entries, failure: error };
  }
}

const contents = (entries: readonly MeasurementEntry[]): unknown =>
  entries.map(({ number, pcr, template, templateData }) => [number, pcr, template, Buffer.from(templateData)]);

for (const form of FORMS) {
  test(`a list in ${form} form gives the same entries in pieces of any size`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (piece) => {
        const { entries, failure } = streamed(form, list(form), piece);
        assert.equal(failure, undefined);
        assert.deepEqual(contents(entries), contents(WHOLE));
      }),
      { numRuns: 40 },
    );
  });

  test(`what stands before a damage in ${form} form is given, whatever the pieces are, and the same error comes behind it`, () => {
    const bytes = list(form);
    fc.assert(
      fc.property(
        fc.nat({ max: bytes.length - 1 }),
        fc.nat({ max: 255 }),
        fc.integer({ min: 1, max: 5000 }),
        (at, value, piece) => {
          const damaged = Uint8Array.from(bytes);
          damaged[at] = value;
          const [whole, pieces] = [streamed(form, damaged, damaged.length), streamed(form, damaged, piece)];
          assert.deepEqual(contents(pieces.entries), contents(whole.entries));
          assert.deepEqual([pieces.failure?.code, pieces.failure?.place], [whole.failure?.code, whole.failure?.place]);
          const before = WHOLE.filter(({ offset, length }) => form === 'binary' && offset + length <= at);
          assert.deepEqual(contents(whole.entries.slice(0, before.length)), contents(before));
        },
      ),
      { numRuns: 200 },
    );
  });
}
