import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ACCESS,
  acceptedRules,
  activate,
  checkPolicy,
  evaluate,
  fixPolicy,
  labelAlgorithms,
  lintPolicy,
  parsePolicy,
  plainSubject,
  printPolicy,
  type KernelProfile,
  type PolicyEvent,
} from '@assay/core/policy';
import { policyRule } from '@assay/testkit/policy';
import fc from 'fast-check';
import { FILE } from './policy-events.ts';
import { kernel, OPTIONS_6_12 } from './policy-rules.ts';

const NEW = { ...OPTIONS_6_12, version: { major: 7, minor: 2 } };

/** Rules that meet each other, so that much is to be mended. */
const RULES = `
measure
dont_measure
dont_measure uid=0
measure func=FILE_CHECK
measure func=PATH_CHECK pcr=11 pcr=12
measure uid=0 template=ima-sig
measure func=KEY_CHECK
measure func=KEY_CHECK gid=0
appraise
appraise appraise_type=imasig
dont_appraise permit_directio
appraise func=MODULE_CHECK appraise_type=imasig
dont_appraise func=MODULE_CHECK
appraise func=SETXATTR_CHECK appraise_algos=sha256
appraise func=SETXATTR_CHECK appraise_algos=sha1
audit
audit fsname=xfs fsname=ext4
hash
dont_hash uid=0`
  .trim()
  .split('\n');
const policy = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...RULES) }, { weight: 1, arbitrary: policyRule }), {
    maxLength: 12,
  })
  .map((rules) => rules.map((rule) => `${rule}\n`).join(''));

const event: fc.Arbitrary<PolicyEvent> = fc
  .record({
    func: fc.constantFrom('FILE_CHECK', 'BPRM_CHECK', 'MODULE_CHECK', 'KEY_CHECK', 'POST_SETATTR'),
    mask: fc.constantFrom(0, ACCESS.MAY_READ, ACCESS.MAY_EXEC, ACCESS.MAY_READ + ACCESS.MAY_WRITE),
    uid: fc.constantFrom(0, 1000),
  })
  .map(({ func, mask, uid }) => {
    const about = func === 'KEY_CHECK' ? { data: '.ima' } : { file: FILE };
    return { func, mask, subject: plainSubject(uid, uid), ...about };
  });

function fixed(text: string): string {
  return printPolicy(fixPolicy(parsePolicy(text), NEW).lines);
}

type Case = readonly [what: string, before: string, after: string];

const CASES: readonly Case[] = [
  ['old names', 'measure  func=FILE_MMAP\tmask=MAY_EXEC # why\n', 'measure  func=MMAP_CHECK\tmask=MAY_EXEC # why\n'],
  ['repeated file systems', '  audit fsname=ext4 fsname=xfs uid=1\n', '  audit fsname=xfs uid=1\n'],
  ['a repeated word at the start', '\tpcr=11 measure pcr=12\n', '\tmeasure pcr=12\n'],
  ['ignored groups', 'measure func=KEY_CHECK gid=0 uid=1\n', 'measure func=KEY_CHECK uid=1\n'],
  ['repeated rules', '# a\nhash uid=5\n# b\nhash  uid=5\nhash uid=6\n', '# a\nhash uid=5\n# b\nhash uid=6\n'],
  ['rules that never decide', 'hash\nhash func=BPRM_CHECK', 'hash\n'],
  ['the comment behind a rule that goes', 'hash\n  hash uid=5 # kept\n', 'hash\n  # kept\n'],
  [
    'old names of rules that are then the same',
    'hash func=PATH_CHECK\nhash func=FILE_CHECK\n',
    'hash func=FILE_CHECK\n',
  ],
  ['two faults in a line', 'hash func=FILE_MMAP fsname=a fsname=b\n', 'hash func=MMAP_CHECK fsname=b\n'],
];

for (const [what, before, after] of CASES) {
  test(`fix mends ${what} and leaves the rest of the text`, () => assert.equal(fixed(before), after));
}

const KEPT: readonly string[] = [
  'measure func=FILE_CHECK mask=MAY_READ uid=0\n',
  'dont_appraise func=MODULE_CHECK\nappraise func=MODULE_CHECK\n',
  'appraise\nappraise func=FIRMWARE_CHECK\n',
  'measure\ndont_measure fsmagic=0x9fa0\n',
  'bogus\nbogus\n',
  'hash # a\n# assay: allow LINT-UNREACHED\nhash uid=5\n',
];

for (const policy of KEPT) {
  test(`fix leaves ${JSON.stringify(policy)}, whose fix would change something or hide a mistake`, () =>
    assert.equal(fixed(policy), policy));
}

test('what was fixed is told by the lines as they were', () => {
  const { lines, fixed: found } = fixPolicy(parsePolicy('hash\nhash uid=1\nhash func=FILE_MMAP uid>1\n'), NEW);
  assert.deepEqual(
    found.map(({ line, code }) => `${line} ${code}`),
    ['2 LINT-UNREACHED', '3 LINT-UNREACHED'],
  );
  assert.deepEqual(
    lines.map(({ number }) => number),
    [1],
  );
});

test('fixing again changes nothing, no safe fix is left, and refused rules stay', () => {
  let changed = 0;
  fc.assert(
    fc.property(policy, kernel, (text, profile) => {
      const once = printPolicy(fixPolicy(parsePolicy(text), profile).lines);
      const lines = parsePolicy(once);
      assert.equal(printPolicy(fixPolicy(lines, profile).lines), once);
      assert.ok(lintPolicy(lines, checkPolicy(lines, profile).rules, profile).every(({ fix }) => fix?.safe !== true));
      assert.deepEqual(refused(once, profile), refused(text, profile));
      if (once !== text) changed++;
    }),
    { numRuns: 3000 },
  );
  assert.ok(changed > 300, `only ${changed}`);
});

function refused(text: string, profile: KernelProfile): string[] {
  return checkPolicy(parsePolicy(text), profile).rules.flatMap((rule) => (rule.accepted ? [] : [rule.text]));
}

test('a kernel decides every event by a fixed policy as it did before', () => {
  fc.assert(
    fc.property(policy, event, kernel, fc.boolean(), (text, asked, profile, appraiseOff) => {
      const fixedText = printPolicy(fixPolicy(parsePolicy(text), profile).lines);
      const [before, after] = [text, fixedText].map((each) => outcome(each, asked, profile, appraiseOff));
      assert.deepEqual(after, before, fixedText);
    }),
    { numRuns: 5000 },
  );
});

function outcome(text: string, asked: PolicyEvent, profile: KernelProfile, appraiseOff: boolean): object {
  const { rules } = checkPolicy(parsePolicy(text), profile);
  const active = activate(acceptedRules(rules), profile, { appraiseOff });
  const { actions, demands, slot, algorithms, pcr, template } = evaluate(active, asked);
  return {
    actions,
    demands,
    slot,
    algorithms,
    pcr,
    template,
    classes: active.classes,
    settable: labelAlgorithms(active.rules),
  };
}
