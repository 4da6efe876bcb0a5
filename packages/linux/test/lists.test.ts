import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  encodeBinaryEntry,
  encodeTemplateData,
  ListVerifier,
  templateDigest,
  type ListForm,
  type TemplateName,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { inPlaceHasher } from '@assay/linux/digests';
import { verifyList } from '@assay/linux/lists';
import { verifyInSections } from '../src/lists/pipeline.ts';
import type { ListSource } from '../src/lists/options.ts';

const FORM: ListForm = { format: 'binary', bank: 'sha256' };
const EXPECTED = [{ bank: 'sha512', pcr: 10, value: new Uint8Array(64) }] as const;

function record(index: number, template: TemplateName, buffer = new Uint8Array(index % 50)): Uint8Array {
  const digest = { algorithm: 'sha1', value: new Uint8Array(20).fill(index), type: 'ima' } as const;
  const content = {
    template,
    templateData: encodeTemplateData(template, { digest, name: utf8(`/bin/${index}`), buffer }),
  };
  const wrong = new Uint8Array(32).fill(index % 100 === 7 ? 1 : 0);
  const right = index % 100 === 7 || index % 100 === 8 ? wrong : templateDigest(nodeHasher, 'sha256', content);
  return encodeBinaryEntry({ pcr: 10 + (index % 2), ...content, templateDigest: right });
}

/** About three sections, of several templates, with violations and forged digests. */
const LIST = concat(
  Array.from({ length: 15_000 }, (_, index) =>
    record(index, (['ima-ng', 'ima-sig', 'ima', 'ima-buf'] as const)[index % 4] ?? 'ima-ng'),
  ),
);

/** Gives what a read asks for, but at most so much. */
function sourceOf(bytes: Uint8Array, most: number): ListSource {
  let at = 0;
  return {
    size: bytes.length,
    read: async (target, start) => {
      const piece = bytes.subarray(at, at + Math.min(most, target.length - start));
      target.set(piece, start);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
  };
}

async function onCores(bytes: Uint8Array, cores: number, most: number): Promise<unknown> {
  const options = { form: FORM, expected: EXPECTED, cores };
  const verifier = ListVerifier.begin(options, inPlaceHasher);
  const source = sourceOf(bytes, most);
  return outcome(async () => {
    await verifyInSections(verifier, source, options);
    const chunk = new Uint8Array(100_000);
    for (let length = await source.read(chunk, 0); length > 0; length = await source.read(chunk, 0)) {
      verifier.push(chunk.subarray(0, length));
    }
    verifier.end();
    return verifier.report;
  });
}

async function onOneCore(bytes: Uint8Array): Promise<unknown> {
  return outcome(async () => {
    const { report } = await verifyList(sourceOf(bytes, 4096), { form: FORM, expected: EXPECTED, cores: 1 });
    return report;
  });
}

async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return { code: error.code, place: error.place };
  }
}

const LARGE = record(1, 'ima-buf', new Uint8Array(700_000).fill(3));
const BAD = record(1, 'ima-ng').with(4 + 32 + 4, 0x20);
const HALF = LIST.length >> 1;
const MIDDLE = ((): number => {
  let at = 0;
  for (let index = 0; at < HALF; index++) {
    at += record(index, (['ima-ng', 'ima-sig', 'ima', 'ima-buf'] as const)[index % 4] ?? 'ima-ng').length;
  }
  return at;
})();

const LISTS: readonly (readonly [what: string, list: Uint8Array])[] = [
  ['a list', LIST],
  [
    'a list with a record that is longer than a section',
    concat([LIST.subarray(0, MIDDLE), LARGE, LIST.subarray(MIDDLE)]),
  ],
  ['a list with a bad record', concat([LIST.subarray(0, MIDDLE), BAD, LIST.subarray(MIDDLE)])],
  ['a list with a length over its limit', concat([LIST.subarray(0, MIDDLE), new Uint8Array(50).fill(1), LIST])],
  ['a list that is cut short', LIST.subarray(0, -3)],
  ['no list', new Uint8Array(0)],
];

for (const [what, list] of LISTS) {
  test(`${what} is verified to the same on one core and on three`, async () => {
    const wanted = await onOneCore(list);
    assert.deepEqual(await onCores(list, 3, list.length), wanted);
    assert.deepEqual(await onCores(list, 2, 100_001), wanted);
  });
}

test('the report of such a list counts what is in it', async () => {
  const { report } = await verifyList(sourceOf(LIST, 1_000_000), { form: FORM, cores: 1 });
  const { entries, violations, forged, templates } = report;
  assert.deepEqual({ entries, violations, forged }, { entries: 15_000, violations: 150, forged: 150 });
  assert.deepEqual([...templates.values()], [3750, 3750, 3750, 3750]);
});

test('an ascii list is read on one core, whatever is asked for', async () => {
  const line = utf8(`10 ${'5'.repeat(64)} ima-ng sha1:${'a'.repeat(40)} /x\n`);
  const source = { ...sourceOf(concat([line, line]), 10), size: 2 ** 30 };
  const { report } = await verifyList(source, { form: { format: 'ascii', bank: 'sha256' }, cores: 4 });
  assert.deepEqual([report.entries, report.forged], [2, 2]);
});
