import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import { checkPolicy, formatPolicy, kernelForm, parsePolicy, printPolicy, ruleText } from '@assay/core/policy';
import { policyRule } from '@assay/testkit/policy';
import fc from 'fast-check';
import { kernel } from './policy-rules.ts';

const piece = fc.oneof(
  policyRule,
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('\n', ' ', '\t', '#', '\r', '\n# why', '=', '\u{85}', '\u{a0}', '\u{2028}', '\u{1b}[2J'),
);
const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('').replaceAll('\0', ''));

test('printing what was parsed gives the text, and parsing it again the same tree', () => {
  fc.assert(
    fc.property(text, (policy) => {
      const lines = parsePolicy(policy);
      assert.equal(printPolicy(lines), policy);
      assert.deepEqual(parsePolicy(printPolicy(lines)), lines);
    }),
    { numRuns: 5000 },
  );
});

test('every word stands where its line and column say', () => {
  fc.assert(
    fc.property(text, (policy) => {
      const source = policy.split('\n');
      for (const { number, tokens, comment } of parsePolicy(policy)) {
        for (const token of comment === undefined ? tokens : [...tokens, comment])
          assert.ok(source[number - 1]?.startsWith(token.text, token.column - 1));
      }
    }),
  );
});

test('formatting keeps rules, comments and verdicts, and formatting again changes nothing', () => {
  fc.assert(
    fc.property(text, kernel, (policy, profile) => {
      const lines = parsePolicy(policy);
      const formatted = formatPolicy(lines);
      const again = parsePolicy(formatted);
      assert.equal(formatPolicy(again), formatted);
      assert.deepEqual(again.map(ruleText), lines.map(ruleText));
      const verdicts = [lines, again].map((each) => checkPolicy(each, profile).rules.map(({ accepted }) => accepted));
      assert.deepEqual(verdicts[0], verdicts[1]);
    }),
    { numRuns: 3000 },
  );
});

test('format: one blank between words, comments where they were, the last line ended', () => {
  const policy = '  # what runs\n\n\tmeasure\t func=BPRM_CHECK   # programs \t\nappraise  fowner=0';
  const formatted = '# what runs\n\nmeasure func=BPRM_CHECK   # programs\nappraise fowner=0\n';
  assert.equal(formatPolicy(parsePolicy(policy)), formatted);
  assert.equal(formatPolicy([]), '');
});

test('a random rule is accepted or refused at one of its words, in words', () => {
  let accepted = 0;
  fc.assert(
    fc.property(policyRule, kernel, (rule, profile) => {
      const [checked] = checkPolicy(parsePolicy(rule), profile).rules;
      assert.equal(checked === undefined, /^[ \t]*(#|$)/.test(rule));
      if (checked?.accepted === true) accepted++;
      if (checked === undefined || checked.accepted) return;
      const { column, message, code } = checked.refusal;
      assert.match(code, /^RULE-/);
      assert.ok(message.length > 10);
      const words = parsePolicy(rule).flatMap(({ tokens, comment }) => [...tokens, ...(comment ? [comment] : [])]);
      assert.ok(column === 1 || words.some((word) => word.column === column));
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted > 4000, `only ${accepted} of them`);
});

/** What policy_show cannot give back so that the same kernel reads it. */
const LOSSY = /[=<>]-|sigv3|fsname=x{63} /;

test('the form in which the kernel gives a rule back means the same rule', () => {
  let compared = 0;
  fc.assert(
    fc.property(policyRule, kernel, (rule, profile) => {
      const [checked] = checkPolicy(parsePolicy(rule), profile).rules;
      const form = checked?.accepted === true ? kernelForm(checked.rule, profile) : undefined;
      if (form === undefined || LOSSY.test(form)) return;
      const [again] = checkPolicy(parsePolicy(`${form}\n`), profile).rules;
      assert.ok(again?.accepted === true, form);
      assert.equal(kernelForm(again.rule, profile), form);
      compared++;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(compared > 2000, `only ${compared} of them`);
});

test('a NUL is refused with its line and column', () => {
  assert.throws(
    () => parsePolicy('measure\n  audit\0\n'),
    (error) => {
      assert.ok(error instanceof FormatError);
      assert.deepEqual([error.code, error.place], ['POLICY-TEXT', { line: 2, column: 8 }]);
      return true;
    },
  );
});
