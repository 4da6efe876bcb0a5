import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicy, lintPolicy, parsePolicy, type LintFinding } from '@assay/core/policy';
import { policyRule } from '@assay/testkit/policy';
import fc from 'fast-check';
import { kernel, lintText, OPTIONS_6_12 } from './policy-rules.ts';

/** Lints that look at words or pairs of rules; those that look at the whole are in another file. */
const SINGLE = /^LINT-(UNREACHED|NEVER|MASK-EXACT|REPEATED|IGNORED|OLD-NAME)$/;

function lint(text: string): readonly LintFinding[] {
  return lintText(text).filter(({ code }) => SINGLE.test(code));
}

const codes = (text: string): string[] => lint(text).map(({ line, code }) => `${line} ${code}`);

type Pair = readonly [earlier: string, later: string];

const UNREACHED: readonly Pair[] = [
  ['measure', 'measure func=BPRM_CHECK'],
  ['dont_measure fsmagic=0x9fa0', 'measure func=BPRM_CHECK fsmagic=9fa0'],
  ['measure func=FILE_CHECK mask=^MAY_EXEC', 'dont_measure func=FILE_CHECK mask=MAY_EXEC'],
  ['audit uid>5', 'audit uid>5 func=BPRM_CHECK'],
  ['audit uid>5', 'audit uid=6'],
  ['audit fowner<5', 'audit fowner<4'],
  ['audit fowner<5', 'audit fowner=4'],
  ['measure func=KEY_CHECK', 'measure func=KEY_CHECK keyrings=.ima'],
  ['measure func=KEY_CHECK keyrings=.ima|.evm', 'measure func=KEY_CHECK keyrings=.evm'],
  ['measure pcr=11', 'measure func=BPRM_CHECK pcr=12'],
  ['appraise func=SETXATTR_CHECK appraise_algos=sha256', 'appraise func=SETXATTR_CHECK appraise_algos=sha512'],
];

for (const [earlier, later] of UNREACHED) {
  test(`${later} never decides behind ${earlier}`, () => {
    assert.deepEqual(codes(`${earlier}\n${later}\n`), ['2 LINT-UNREACHED']);
  });
}

const REACHED: readonly Pair[] = [
  ['measure func=BPRM_CHECK', 'measure'],
  ['measure', 'appraise func=BPRM_CHECK'],
  ['dont_measure', 'hash'],
  ['measure', 'measure func=KEY_CHECK'],
  ['measure', 'measure func=CRITICAL_DATA'],
  ['measure', 'measure func=POLICY_CHECK'],
  ['appraise', 'appraise func=SETXATTR_CHECK appraise_algos=sha256'],
  ['measure func=FILE_CHECK mask=MAY_EXEC', 'measure func=FILE_CHECK mask=^MAY_EXEC'],
  ['audit uid>5', 'audit uid=5'],
  ['audit uid>5', 'audit uid>4'],
  ['audit uid>5', 'audit uid<9'],
  ['audit uid=5', 'audit euid=5'],
  ['audit uid=5', 'audit uid>4'],
  ['audit fsname=ext4', 'audit fsname=xfs'],
  ['measure func=KEY_CHECK keyrings=.ima', 'measure func=KEY_CHECK'],
];

for (const [earlier, later] of REACHED) {
  test(`${later} may decide behind ${earlier}`, () => assert.deepEqual(codes(`${earlier}\n${later}\n`), []));
}

test('masks: an exact MAY_READ misses accesses, an exact MAY_APPEND has none', () => {
  const [found] = lint('measure mask=MAY_READ func=FILE_CHECK uid=0\n');
  assert.deepEqual(
    [found?.code, found?.fix],
    ['LINT-MASK-EXACT', { safe: false, text: 'measure mask=^MAY_READ func=FILE_CHECK uid=0' }],
  );
  assert.deepEqual(codes('measure mask=^MAY_READ func=FILE_CHECK\nmeasure func=MODULE_CHECK mask=MAY_READ\n'), []);
  assert.deepEqual(codes('measure mask=MAY_APPEND\naudit mask=^MAY_APPEND\n'), ['1 LINT-NEVER']);
});

test('old names, repeated file systems, ignored groups and inactive labels are named', () => {
  const [found] = lint('measure func=FILE_MMAP mask=MAY_EXEC\n');
  assert.deepEqual(
    [found?.code, found?.column, found?.fix?.text],
    ['LINT-OLD-NAME', 9, 'measure func=MMAP_CHECK mask=MAY_EXEC'],
  );
  assert.deepEqual(codes('audit fsname=ext4 fsname=xfs\n'), ['1 LINT-REPEATED']);
  assert.deepEqual(codes('measure func=KEY_CHECK gid=0\nmeasure gid=0\n'), ['1 LINT-IGNORED']);
  assert.deepEqual(codes('measure obj_type=a\nmeasure obj_type=a\n'), ['1 LINT-NEVER', '2 LINT-NEVER']);
});

test('a fix is a rule that the same kernel accepts, and mends what was found', () => {
  let fixed = 0;
  fc.assert(
    fc.property(policyRule, kernel, (rule, profile) => {
      const lines = parsePolicy(`${rule}\n`);
      for (const { code, fix } of lintPolicy(lines, checkPolicy(lines, profile).rules, profile)) {
        if (fix === undefined) continue;
        const again = parsePolicy(`${fix.text}\n`);
        const { rules } = checkPolicy(again, profile);
        assert.ok(rules[0]?.accepted, fix.text);
        assert.ok(lintPolicy(again, rules, profile).every((left) => left.code !== code));
        fixed++;
      }
    }),
    { numRuns: 10_000 },
  );
  assert.ok(fixed > 200, `only ${fixed}`);
});

test('refused rules are passed over', () => {
  const lines = parsePolicy('audit bogus\naudit\n');
  assert.deepEqual(lintPolicy(lines, checkPolicy(lines, OPTIONS_6_12).rules, OPTIONS_6_12), []);
});
