import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ACCESS,
  accessMask,
  activate,
  DEBIAN_BUILTIN_OPTIONS,
  explain,
  functionMask,
  keptRules,
  maskText,
  type ClassExplanation,
} from '@assay/core/policy';
import { FILE, policyOf, READ } from './policy-events.ts';
import { debian, OPTIONS_6_12 } from './policy-rules.ts';

function only(explanations: readonly ClassExplanation[]): ClassExplanation {
  const [first, ...more] = explanations;
  assert.ok(first !== undefined && more.length === 0);
  return first;
}

test('explain names the rule that decides, those that come too late, and what keeps the nearest from matching', () => {
  const text = `dont_measure fsmagic=0x9fa0
measure func=BPRM_CHECK
measure func=FILE_CHECK mask=MAY_READ fowner=0 uid>0
measure func=FILE_CHECK
measure
`;
  const explained = only(explain(policyOf(text, OPTIONS_6_12), READ));
  assert.equal(explained.sentence, 'measured by line 4');
  assert.equal(explained.rule?.line, 4);
  assert.deepEqual(
    explained.late.map(({ line }) => line),
    [5],
  );
  assert.deepEqual(
    explained.near.map(({ rule, unmet }) => [rule.line, unmet]),
    [
      [3, [{ wanted: 'uid>0', found: '0' }]],
      [1, [{ wanted: 'fsmagic=0x9fa0', found: '0xef53' }]],
      [2, [{ wanted: 'func=BPRM_CHECK', found: 'FILE_CHECK' }]],
    ],
  );
});

test('explain says when a rule excepts, when none matches, and when it depends on what is not known', () => {
  const sentence = (text: string): string => only(explain(policyOf(text, OPTIONS_6_12), READ)).sentence;
  assert.equal(sentence('dont_measure fowner=0\nmeasure\n'), 'not measured: line 1 excepts it');
  assert.equal(sentence('appraise fowner=1\n'), 'not appraised: no rule matches');
  const { type, ...unknown } = FILE;
  const policy = policyOf('dont_audit\naudit\n', { ...OPTIONS_6_12, version: { major: 7, minor: 2 } });
  assert.equal(only(explain(policy, READ)).sentence, 'not audited: line 1 excepts it');
  const depends = only(
    explain(policyOf(`dont_measure fsname=${type}\nmeasure\n`, OPTIONS_6_12), { ...READ, file: unknown }),
  );
  assert.equal(depends.sentence, 'measured by line 2, unless line 1 matches, of which not all is known');
  assert.deepEqual(depends.possible[0]?.unmet, [{ wanted: 'fsname=ext4' }]);
});

test('explain says that an appraise rule takes the effect of a hash rule in front of it', () => {
  const [appraise, hash] = explain(policyOf('hash\nappraise\n', OPTIONS_6_12), READ);
  assert.equal(appraise?.sentence, 'appraised by line 2');
  assert.equal(
    hash?.sentence,
    'not given a hash label: line 1 would, but the appraise rule behind it takes its effect',
  );
});

test('explain says of a rule of the architecture that the kernel keeps it', () => {
  const kept = keptRules(debian('6.12'), DEBIAN_BUILTIN_OPTIONS, true);
  const explained = only(explain(activate(kept, debian('6.12')), { ...READ, func: 'MODULE_CHECK' }));
  assert.equal(explained.sentence, 'measured by a rule that the kernel keeps');
});

test('masks are read as they are written', () => {
  for (const text of ['none', 'MAY_EXEC', 'MAY_WRITE|MAY_READ', 'MAY_EXEC|MAY_WRITE|MAY_READ|MAY_APPEND'])
    assert.equal(maskText(accessMask(text) ?? Number.NaN), text);
  for (const text of ['', 'MAY_READ|', 'may_read', '^MAY_READ', 'none|MAY_READ'])
    assert.equal(accessMask(text), undefined);
});

test('functions have the masks with which the kernel asks', () => {
  assert.deepEqual(
    (['FILE_CHECK', 'MODULE_CHECK', 'BPRM_CHECK', 'MMAP_CHECK', 'CREDS_CHECK', 'KEXEC_CMDLINE'] as const).map(
      functionMask,
    ),
    [ACCESS.MAY_READ, ACCESS.MAY_READ, ACCESS.MAY_EXEC, ACCESS.MAY_EXEC, ACCESS.MAY_EXEC, 0],
  );
});
