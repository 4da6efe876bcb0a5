import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import {
  checkPolicy,
  fixPolicy,
  formatPolicy,
  kernelForm,
  lintPolicy,
  parsePolicyBytes,
  printPolicy,
  type KernelProfile,
} from '@assay/core/policy';
import { policyRule } from '@assay/testkit/policy';
import fc from 'fast-check';
import { debian, kernel, OPTIONS_6_12 } from './policy-rules.ts';

/** How many random texts; the whole run of a million takes some minutes. */
const TEXTS = Number(process.env['ASSAY_POLICY_TEXTS'] ?? 10_000);

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All that is done to a policy; every line and column that is told must be one of the text. */
function use(bytes: Uint8Array, profile: KernelProfile): void {
  const lines = parsePolicyBytes(bytes);
  assert.deepEqual(encode(printPolicy(lines)), new Uint8Array(bytes));
  const { rules, load } = checkPolicy(lines, profile);
  const lint = lintPolicy(lines, rules, profile);
  const places = rules.flatMap((rule) => (rule.accepted ? [] : [{ line: rule.line, column: rule.refusal.column }]));
  for (const { line, column } of [...places, ...lint, ...load.map(({ line: at }) => ({ line: at, column: 1 }))])
    assert.ok(isPlace(lines, line, column), `${line}:${column}`);
  for (const rule of rules) if (rule.accepted) kernelForm(rule.rule, profile);
  formatPolicy(fixPolicy(lines, profile).lines);
}

function isPlace(lines: ReturnType<typeof parsePolicyBytes>, line: number, column: number): boolean {
  const source = lines[line - 1];
  if (source === undefined) return line === 1 && lines.length === 0;
  return column === 1 || [...source.tokens, source.comment].some((word) => word?.column === column);
}

/** @returns whether it could be read */
function useOrRefuse(bytes: Uint8Array, profile: KernelProfile): boolean {
  try {
    use(bytes, profile);
    return true;
  } catch (error) {
    assert.ok(error instanceof FormatError && error.code === 'POLICY-TEXT', String(error));
    const { line = 0, column = 0 } = error.place ?? {};
    assert.ok(line >= 1 && column >= 1 && error.message.startsWith(`line ${line}, column ${column}: `), error.message);
    return false;
  }
}

const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: policyRule.map(encode) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }).map(encode) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('\n', '\r\n', ' ', '\t', '#', '=', '\u{1b}[2J', '\u{202e}', '\u{feff}', '# proc\n')
      .map(encode),
  },
);
const hostile = fc.array(piece, { maxLength: 6 }).map((pieces) => Buffer.concat(pieces));

test(`${TEXTS} random texts, of rules, characters and bytes, are used to the end or refused with a place`, () => {
  let read = 0;
  fc.assert(
    fc.property(hostile, kernel, (bytes, profile) => {
      if (useOrRefuse(bytes, profile)) read++;
    }),
    { numRuns: TEXTS },
  );
  assert.ok(read > TEXTS / 4 && read < TEXTS, `${read}`);
});

test('random bytes are used to the end or refused with a place', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void useOrRefuse(bytes, OPTIONS_6_12)),
    { numRuns: TEXTS / 2 },
  );
});

type Refused = readonly [what: string, bytes: readonly (string | number)[], message: RegExp];

const REFUSED: readonly Refused[] = [
  ['a NUL', ['measure\n audit', 0], /^line 2, column 7: a NUL character$/],
  ['a NUL in a comment', ['# é', 0, '\n'], /^line 1, column 4: a NUL character$/],
  ['Latin-1', ['measure\n# caf', 0xe9, '\n'], /^line 2, column 6: not UTF-8$/],
  ['UTF-16', [0xff, 0xfe, 'm', 0], /^line 1, column 1: not UTF-8$/],
  ['an overlong slash', ['measure ', 0xc0, 0xaf], /^line 1, column 9: not UTF-8$/],
  ['a surrogate', ['measure ', 0xed, 0xa0, 0x80], /^line 1, column 9: not UTF-8$/],
  ['what begins as U+FFFD does', ['é', 0xef, 0xbf, 0x20], /^line 1, column 2: not UTF-8$/],
  ['a character cut off', ['é\n', 0xf0, 0x9f, 0x98], /^line 2, column 1: not UTF-8$/],
  ['a character beyond Unicode', [0xf4, 0x90, 0x80, 0x80], /^line 1, column 1: not UTF-8$/],
];

for (const [what, parts, message] of REFUSED) {
  test(`${what} in a policy is refused with line and column`, () => {
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(typeof part === 'string' ? part : [part])));
    assert.throws(
      () => parsePolicyBytes(bytes),
      (error) => {
        assert.ok(error instanceof FormatError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('a byte order mark and the line ends of Windows are parts of words, which the kernel refuses', () => {
  const { rules } = checkPolicy(
    parsePolicyBytes(encode('\u{feff}measure\naudit\r\nmeasure func=BPRM_CHECK\r\n')),
    OPTIONS_6_12,
  );
  assert.deepEqual(
    rules.map((rule) => (rule.accepted ? 'accepted' : rule.refusal.code)),
    ['RULE-WORD', 'RULE-WORD', 'RULE-VALUE'],
  );
});

const MEGABYTE = 1024 * 1024;
const NEW: KernelProfile = { ...debian('7.2'), customPolicyActive: true };

/** Long in every place that is read in a loop. */
const LONG: readonly (readonly [what: string, unit: string, start: string])[] = [
  ['blanks', ' ', 'measure'],
  ['words', ' permit_directio', 'measure'],
  ['file systems', ' fsname=a', 'measure'],
  ['unknown words', ' a', 'measure'],
  ['a name', 'a', ''],
  ['digits', '0', 'measure fsmagic='],
  ['large digits', '9', 'measure uid='],
  ['signs', '=', 'measure uid='],
  ['labels', 'a|', 'measure func=CRITICAL_DATA label='],
  ['empty labels', '|', 'measure func=KEY_CHECK keyrings='],
  ['algorithms', 'sha256,', 'appraise appraise_algos='],
  ['a comment', '#', 'measure fsmagic=1 #'],
  ['names in a comment', ' sysfs', 'measure fsmagic=1 #'],
  ['magic in a comment', '_super_magic', 'measure fsmagic=1 #'],
  ['permissions', ' assay: allow A,', 'measure #'],
];

for (const [what, unit, start] of LONG) {
  test(`a line with a megabyte of ${what} is used to the end`, () =>
    use(encode(`${start}${unit.repeat(MEGABYTE / unit.length)}\n`), NEW));
}

const MANY: readonly (readonly [what: string, text: string])[] = [
  ['the same rule', 'hash\n'.repeat(10_000)],
  [
    'rules that another one covers',
    `hash\n${Array.from({ length: 10_000 }, (_, uid) => `hash uid=${uid}`).join('\n')}\n`,
  ],
  ['different rules', Array.from({ length: 10_000 }, (_, uid) => `hash uid=${uid}\n`).join('')],
  ['rules that leave out', 'dont_measure uid=0\n'.repeat(10_000)],
  [
    'rules for signatures',
    `${'appraise func=MODULE_CHECK appraise_type=imasig\n'.repeat(5_000)}${'measure func=BPRM_CHECK\n'.repeat(5_000)}`,
  ],
  ['empty lines', '\n'.repeat(200_000)],
  ['comments', '# proc\n'.repeat(30_000)],
];

for (const [what, text] of MANY) test(`many lines, ${what}, are used to the end`, () => use(encode(text), NEW));
