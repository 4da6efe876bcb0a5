import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicy, debianOptions, parseKernelVersion, parsePolicy, type KernelProfile } from '@assay/core/policy';
import { randomPolicyRules } from '@assay/testkit/policy';

const version = parseKernelVersion('7.2');
const PROFILE: KernelProfile = {
  name: '7.2',
  version,
  ...debianOptions(version),
  modsig: true,
  customPolicyActive: true,
};

const GRAMMAR = (
  'measure dont_measure appraise dont_appraise audit dont_audit hash dont_hash permit_directio func= mask= fsmagic= fsname= ' +
  'fs_subtype= fsuuid= uid= uid< uid> euid= euid< euid> gid= gid< gid> egid= egid< egid> fowner= fowner< fowner> fgroup= ' +
  'fgroup< fgroup> subj_user= subj_role= subj_type= obj_user= obj_role= obj_type= pcr= template= keyrings= label= ' +
  'appraise_type= appraise_flag= appraise_algos= digest_type='
).split(' ');

test('a seed gives the same rules each time, another seed others', () => {
  assert.deepEqual(randomPolicyRules(1, 50), randomPolicyRules(1, 50));
  assert.notDeepEqual(randomPolicyRules(2, 50), randomPolicyRules(1, 50));
});

test('each rule is one line that a kernel reads as a rule', () => {
  for (const rule of randomPolicyRules(3, 20_000)) assert.doesNotMatch(rule, /[\n\0]|^[ \t]*\//);
});

test('each word of the grammar stands in rules that a kernel accepts and in rules that it refuses', () => {
  const words = { true: new Set<string>(), false: new Set<string>() };
  const rules = parsePolicy(randomPolicyRules(4, 20_000).join('\n'));
  const checked = checkPolicy(rules, PROFILE).rules;
  for (const { text, accepted } of checked)
    for (const word of text.split(' ')) words[`${accepted}`].add(/^[a-z_]+[=<>]?/.exec(word)?.[0] ?? '');
  for (const known of [words.true, words.false])
    assert.deepEqual(
      GRAMMAR.filter((word) => !known.has(word)),
      [],
    );
  const share = checked.filter(({ accepted }) => accepted).length / checked.length;
  assert.ok(share > 0.4 && share < 0.7, `${share} of them are accepted`);
});

test('some lines end right before and behind the limit of one write', () => {
  const lengths = new Set(randomPolicyRules(5, 5000).map((rule) => Buffer.byteLength(rule)));
  for (const length of [4093, 4094, 4095, 4096, 4097]) assert.ok(lengths.has(length), `${length}`);
});
