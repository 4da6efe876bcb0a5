import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromBase64, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { keyIdOfPublicKey, parsePublicKey } from '@assay/core/keys';
import { parseAsciiList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeDigestSignatures, nodeHasher } from '@assay/core/node';
import {
  ACCEPTED,
  compileReference,
  decide,
  exportKeylimePolicy,
  importKeylimePolicy,
  parseReference,
  type ReferenceValues,
  type SignerKey,
} from '@assay/core/reference';
import { re2Patterns } from '@assay/verifier/policies';
import { z } from 'zod';

const OWN = fileURLToPath(new URL('vectors/keylime-answers.json', import.meta.url));
const BESIDE = fileURLToPath(new URL('../../../../shared/vectors/keylime/runtime-policy-test.json', import.meta.url));

const Answers = z.object({
  policy: z.looseObject({ excludes: z.array(z.string()) }),
  answers: z.array(z.tuple([z.boolean(), z.string()])),
});
const recorded = Answers.parse(JSON.parse(readFileSync(OWN, 'utf8')));

const PORTS = { hasher: nodeHasher, digestSignatures: nodeDigestSignatures, patterns: re2Patterns };
const AT = new Date('2026-11-22T00:00:00Z');
const OPTIONS = {
  name: 'imported',
  version: 3,
  created: '2026-11-22T00:00:00Z',
  owner: 'platform',
  expires: '2027-11-22T00:00:00Z',
};

const imported = (policy: unknown) => importKeylimePolicy(utf8(JSON.stringify(policy)), OPTIONS, re2Patterns);
const compiled = (policy: unknown): ReferenceValues => compileReference(imported(policy).reference.document, PORTS);
const entryOf = (line: string): MeasurementEntry => {
  const [entry] = parseAsciiList(utf8(`${line}\n`), { bank: 'sha1' });
  assert.ok(entry !== undefined, line);
  return entry;
};
const answers = (values: ReferenceValues, lines: readonly string[]): boolean[] =>
  lines.map((line) => ACCEPTED.has(decide(values, entryOf(line), nodeHasher, AT).status));
const keyIdOf = ({ key }: SignerKey): number => keyIdOfPublicKey(nodeHasher, parsePublicKey(fromBase64(key)));

describe('a runtime policy of Keylime', () => {
  const lines = recorded.answers.map(([, line]) => line);
  const expected = recorded.answers.map(([allowed]) => allowed);

  test('allows and refuses each entry as Keylime did', () => {
    assert.deepEqual([expected.filter(Boolean).length, expected.length], [24, 47]);
    assert.deepEqual(answers(compiled(recorded.policy), lines), expected);
  });

  test('does so again after it was exported and imported', () => {
    const { document } = imported(recorded.policy).reference;
    const { text } = exportKeylimePolicy(document, AT, keyIdOf);
    const again = importKeylimePolicy(utf8(text), OPTIONS, re2Patterns);
    assert.deepEqual(answers(compileReference(again.reference.document, PORTS), lines), expected);
  });

  test('tells what it cannot carry over', () => {
    const dm = { ...recorded.policy, ima: { dm_policy: 'tables', ignored_keyrings: [] }, unknown: 1 };
    const excludes = [...recorded.policy.excludes, '(?=x)', '(a)\\1'];
    const losses = imported({ ...dm, excludes }).losses.map(({ member, count, examples }) => [
      member,
      count,
      examples[0],
    ]);
    assert.deepEqual(
      losses.filter(([, count]) => count !== 0),
      [
        ['digests', 2, `/usr/bin/upper: ${toHex(nodeHasher.digest('sha256', utf8('upper'))).toUpperCase()}`],
        ['excludes', 2, '(?=x)'],
        ['ima.dm_policy', 1, 'dm_policy'],
        ['unknown', 1, 'unknown'],
      ],
    );
  });

  test('is refused where it is not of its form', () => {
    const good = recorded.policy;
    const bad: readonly unknown[] = [
      [],
      null,
      { ...good, meta: { version: 2 } },
      { ...good, meta: undefined },
      { ...good, digests: [] },
      { ...good, digests: { '/a': 'ab' } },
      { ...good, digests: { '/a': [1] } },
      { ...good, excludes: {} },
      { ...good, keyrings: { '.ima': [null] } },
      { ...good, 'ima-buf': 3 },
      { ...good, 'verification-keys': {} },
      { ...good, 'verification-keys': '{"pubkeys":["AA=="],"keyids":[]}' },
      { ...good, 'verification-keys': '{"pubkeys":["AA=="],"keyids":[-1]}' },
    ];
    for (const policy of bad) {
      assert.throws(() => imported(policy), { name: 'FormatError', code: 'REFERENCE-FORM' }, JSON.stringify(policy));
    }
    const twice = '{"meta":{"version":1},"digests":{"/a":[],"/a":[]}}';
    assert.throws(() => importKeylimePolicy(utf8(twice), OPTIONS, re2Patterns), FormatError);
  });
});

const skip = existsSync(BESIDE) ? false : 'the runtime policies of Keylime are not beside the project';

test("Keylime's own test policy is imported with every digest that Keylime can match", { skip }, () => {
  const policy: unknown = JSON.parse(readFileSync(BESIDE, 'utf8'));
  const { reference, losses } = imported(policy);
  assert.deepEqual(reference.document.files.length, 20);
  assert.deepEqual(
    losses.map(({ member, count }) => [member, count]),
    [['digests', 1]], // boot_aggregate with `sha256:` in front, which Keylime compares with digits alone.
  );
  const values = compileReference(parseReference(reference.canonical).document, PORTS);
  for (const { path, digests } of reference.document.files) {
    const [digest = ''] = digests;
    const line = (name: string, hex: string) => `10 ${'00'.repeat(19)}01 ima-ng sha1:${hex} ${name}`;
    const hex = digest.slice('sha1:'.length);
    const asked = [line(path, hex), line(path, 'ab'.repeat(20)), line(`${path}x`, hex)];
    assert.deepEqual(answers(values, asked), [true, false, false], path);
  }
});
