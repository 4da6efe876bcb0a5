import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import {
  checkPolicy,
  checkRule,
  debianOptions,
  kernelForm,
  parseKernelConfig,
  parseKernelVersion,
  parseOptionList,
  parsePolicy,
  runningOptions,
  type CheckedRule,
  type KernelProfile,
} from '@assay/core/policy';
import { debian, OPTIONS_6_12 } from './policy-rules.ts';

function check(rule: string, profile: KernelProfile): CheckedRule {
  const [line] = parsePolicy(rule);
  assert.ok(line !== undefined);
  return checkRule(line, profile);
}

type Refused = readonly [rule: string, code: string, column: number, message: RegExp];

/** On 6.12 with options. */
const REFUSED: readonly Refused[] = [
  ['measure bogus', 'RULE-WORD', 9, /"bogus" is no word of a rule/],
  ['Measure', 'RULE-WORD', 1, /small letters/],
  ['measure func', 'RULE-WORD', 9, /needs = and a value/],
  ['measure func=', 'RULE-WORD', 9, /func= has no value/],
  ['measure func =FILE_CHECK', 'RULE-WORD', 9, /needs = and a value/],
  ['measure uid!=5', 'RULE-WORD', 9, /only operators are/],
  ['measure mask<MAY_READ', 'RULE-WORD', 9, /needs = and a value/],
  ['measure path=/bin/sh', 'RULE-WORD', 9, /mainline kernels have no condition path/],
  ['measure func=BPRM_CHECK\r', 'RULE-VALUE', 9, /one function of IMA.*carriage return/],
  ['measure\r', 'RULE-WORD', 1, /carriage return/],
  ['/etc/ima/policy', 'RULE-WORD', 1, /path of a policy, not a rule/],
  ['measure func=file_check', 'RULE-VALUE', 9, /capitals: FILE_CHECK/],
  ['measure func=POST_SETATTR', 'RULE-VALUE', 9, /inside the kernel/],
  ['measure mask=MAY_READ|MAY_WRITE', 'RULE-VALUE', 9, /one of MAY_EXEC/],
  ['measure fsmagic=xyz', 'RULE-VALUE', 9, /hexadecimal/],
  ['measure fsmagic=10000000000000000', 'RULE-VALUE', 9, /64 bits/],
  ['measure uid>=5', 'RULE-VALUE', 9, /from 0 to 4294967294/],
  ['measure uid=4294967295', 'RULE-VALUE', 9, /from 0 to 4294967294/],
  ['measure fsuuid=03251fa2e646', 'RULE-VALUE', 9, /8-4-4-4-12/],
  ['measure pcr=64', 'RULE-VALUE', 9, /from 0 to 63/],
  ['measure template=ima-sigv3', 'RULE-VALUE', 9, /template of the kernel/],
  ['measure func=KEY_CHECK keyrings=|.ima', 'RULE-VALUE', 24, /none of them empty/],
  ['appraise appraise_type=modsig', 'RULE-VALUE', 10, /imasig\|modsig/],
  ['appraise appraise_algos=sha256,,sha512', 'RULE-VALUE', 10, /"" is none/],
  ['measure uid=0 euid=0', 'RULE-REPEATED', 15, /uid and euid share one slot/],
  ['measure uid>10 uid<20', 'RULE-REPEATED', 16, /no ranges/],
  ['measure func=FILE_CHECK func=FILE_CHECK', 'RULE-REPEATED', 25, /only once/],
  ['measure measure', 'RULE-ACTION', 9, /has measure already/],
  ['func=FILE_CHECK', 'RULE-ACTION', 1, /needs an action/],
  ['audit pcr=10', 'RULE-COMBINATION', 7, /pcr needs the action measure, not audit/],
  ['dont_appraise appraise_type=imasig', 'RULE-COMBINATION', 15, /needs the action appraise/],
  ['template=ima measure', 'RULE-COMBINATION', 1, /in front of it/],
  ['appraise func=KEXEC_CMDLINE', 'RULE-COMBINATION', 10, /only the action measure or dont_measure/],
  ['measure func=KEY_CHECK euid=0', 'RULE-COMBINATION', 24, /does not take euid/],
  ['measure keyrings=.ima', 'RULE-COMBINATION', 9, /func=KEY_CHECK/],
  ['measure label=a', 'RULE-COMBINATION', 9, /func=CRITICAL_DATA/],
  ['appraise func=SETXATTR_CHECK', 'RULE-COMBINATION', 10, /needs appraise_algos/],
  ['appraise appraise_type=imasig|modsig', 'RULE-COMBINATION', 10, /func=MODULE_CHECK/],
  ['appraise digest_type=verity', 'RULE-COMBINATION', 10, /appraise_type=sigv3/],
  ['appraise digest_type=verity appraise_type=imasig', 'RULE-COMBINATION', 29, /use sigv3/],
  ['appraise appraise_type=sigv3', 'RULE-KERNEL-VERSION', 10, /needs Linux 7\.1/],
  ['measure # why', 'RULE-KERNEL-VERSION', 9, /Linux 6\.14/],
  ['dont_audit', 'RULE-KERNEL-VERSION', 1, /Linux 6\.19/],
  ['appraise appraise_algos=rmd320', 'RULE-KERNEL-OPTION', 10, /no rmd320/],
];

for (const [rule, code, column, message] of REFUSED) {
  test(`${JSON.stringify(rule)} is refused: ${code} at column ${column}`, () => {
    const checked = check(rule, OPTIONS_6_12);
    assert.ok(!checked.accepted);
    assert.deepEqual([checked.refusal.code, checked.refusal.column], [code, column]);
    assert.match(checked.refusal.message, message);
  });
}

/** The mainline version in which a rule is accepted first, with every option. */
const SINCE: readonly (readonly [string, string, string])[] = [
  ['measure func=KEY_CHECK', '5.5', '5.6'],
  ['measure func=KEY_CHECK keyrings=.ima', '5.5', '5.6'],
  ['measure func=CRITICAL_DATA label=a', '5.11', '5.12'],
  ['measure template=evm-sig', '5.13', '5.14'],
  ['appraise func=SETXATTR_CHECK appraise_algos=sha256', '5.14', '5.15'],
  ['measure gid>5', '5.15', '5.16'],
  ['measure fgroup=5', '5.15', '5.16'],
  ['measure digest_type=verity template=ima-ngv2', '5.18', '5.19'],
  ['appraise digest_type=verity appraise_type=sigv3', '5.18', '5.19'],
  ['measure func=MMAP_CHECK_REQPROT', '6.2', '6.3'],
  ['measure appraise_flag=x', '6.5', '6.6'],
  ['measure # why', '6.13', '6.14'],
  ['measure fs_subtype=sshfs', '6.18', '6.19'],
  ['dont_audit', '6.18', '6.19'],
  ['appraise appraise_type=sigv3', '7.0', '7.1'],
  ['appraise appraise_type=sigv3 digest_type=verity', '7.0', '7.1'],
];

for (const [rule, before, since] of SINCE) {
  test(`${rule} is accepted since Linux ${since}`, () => {
    const on = (release: string): boolean =>
      check(rule, { ...OPTIONS_6_12, version: parseKernelVersion(release) }).accepted;
    assert.deepEqual([on(before), on(since)], [false, true]);
  });
}

test('the blacklist flag of kernels before 6.6 needs modsig', () => {
  const rule = 'appraise func=MODULE_CHECK appraise_type=imasig|modsig appraise_flag=check_blacklist';
  const old = { ...OPTIONS_6_12, version: { major: 6, minor: 1 } };
  assert.ok(check(rule, old).accepted);
  assert.ok(!check('appraise appraise_type=imasig appraise_flag=check_blacklist', old).accepted);
  assert.ok(!check(rule, { ...old, modsig: false }).accepted);
});

test('a label depends on the security module, and on whether the built-in policy is still active', () => {
  const first = { ...OPTIONS_6_12, customPolicyActive: false };
  const accepted = (rule: string, labels: KernelProfile['labels']): boolean =>
    check(rule, { ...first, labels }).accepted;
  assert.ok(accepted('measure obj_type=etc_t', 'selinux'));
  assert.ok(!accepted('measure obj_type=etc_t obj_type=etc_t', 'selinux'));
  assert.ok(!accepted('measure obj_type=etc_t', 'smack'));
  assert.ok(accepted('measure obj_user=_', 'smack'));
  assert.ok(accepted('measure subj_role=unconfined', 'apparmor'));
  assert.ok(!accepted('measure subj_role=unconfined', 'none'));
  const later = check('measure obj_type=etc_t', OPTIONS_6_12);
  assert.ok(later.accepted);
  assert.equal(later.rule.labels.get('obj_type')?.active, false);
});

test('a kernel without an option says which', () => {
  const key = check('measure func=KEY_CHECK', { ...OPTIONS_6_12, keyMeasurement: false });
  assert.ok(!key.accepted);
  assert.match(key.refusal.message, /CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS/);
  const modsig = check('appraise func=MODULE_CHECK appraise_type=imasig|modsig', debian('6.12'));
  assert.ok(!modsig.accepted);
  assert.match(modsig.refusal.message, /CONFIG_IMA_APPRAISE_MODSIG/);
});

function load(text: string): readonly string[] {
  const { accepted, load: problems } = checkPolicy(parsePolicy(text), OPTIONS_6_12);
  assert.equal(
    accepted,
    !['both', 'path,text'].includes(
      problems
        .map(({ bars }) => bars)
        .toSorted()
        .join(),
    ),
  );
  return problems.map(({ line, code }) => `${line} ${code}`);
}

test('a policy of good rules is refused where no way of loading it is left', () => {
  assert.deepEqual(load('measure\naudit\n'), []);
  assert.deepEqual(load('measure\naudit'), ['2 POLICY-LAST-NEWLINE']);
  assert.deepEqual(load(''), ['1 POLICY-EMPTY']);
  assert.deepEqual(load('# nothing\n\n'), ['2 POLICY-EMPTY']);
  assert.deepEqual(load(`measure\n# ${'x'.repeat(4093)}\n`), []);
  assert.deepEqual(load(`measure\n# ${'x'.repeat(4094)}\n`), ['2 POLICY-LINE-LENGTH']);
  assert.deepEqual(load(`measure\n# ${'x'.repeat(4094)}`), ['2 POLICY-LINE-LENGTH', '2 POLICY-LAST-NEWLINE']);
});

test('one refused rule makes the policy refused, and the others are still judged', () => {
  const { accepted, rules } = checkPolicy(parsePolicy('# a\nmeasure\n\nbogus\naudit\n'), OPTIONS_6_12);
  assert.equal(accepted, false);
  assert.deepEqual(
    rules.map((rule) => [rule.line, rule.text, rule.accepted]),
    [
      [2, 'measure', true],
      [4, 'bogus', false],
      [5, 'audit', true],
    ],
  );
});

test('versions are read from releases; others than 5.4 to 7.3 are refused', () => {
  assert.deepEqual(parseKernelVersion('6.12.48+deb13-amd64'), { major: 6, minor: 12 });
  assert.deepEqual(parseKernelVersion('7.3-rc7'), { major: 7, minor: 3 });
  for (const text of ['', '6', 'x6.12', '5.3', '4.19', '7.4', '8.0', '6.', '6.1234', `6.${'1'.repeat(1000)}`])
    assert.throws(() => parseKernelVersion(text), FormatError, text);
});

test('options are read from the configuration of a kernel', () => {
  const config = [
    'CONFIG_IMA=y',
    'CONFIG_IMA_LSM_RULES=y',
    '# CONFIG_IMA_APPRAISE_MODSIG is not set',
    'CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS=y',
    'CONFIG_LSM="landlock,lockdown,yama,integrity,apparmor,selinux"',
    'CONFIG_CRYPTO_SHA256=y',
    'CONFIG_CRYPTO_SHA512=m',
    'CONFIG_IMA_DEFAULT_TEMPLATE="ima-sig"',
  ];
  assert.deepEqual(parseKernelConfig(config.join('\n')), {
    appraise: false,
    modsig: false,
    keyMeasurement: true,
    labels: 'apparmor',
    algorithms: ['sha224', 'sha256'],
    moduleAlgorithms: ['sha384', 'sha512'],
    defaultTemplate: 'ima-sig',
    customPolicyActive: false,
  });
  assert.equal(parseKernelConfig(config.toSpliced(1, 1).join('\n')).labels, 'none');
  for (const text of ['', 'hello', 'CONFIG_IMA=m', '# CONFIG_IMA is not set'])
    assert.throws(() => parseKernelConfig(text), FormatError, text);
});

test('the blacklist flag is read back before 6.6, and no longer since every signature is looked up', () => {
  const rule = 'appraise func=MODULE_CHECK appraise_type=imasig|modsig appraise_flag=check_blacklist';
  const form = (minor: number): string | undefined => {
    const profile = { ...OPTIONS_6_12, version: { major: 6, minor } };
    const checked = check(rule, profile);
    return checked.accepted ? kernelForm(checked.rule, profile) : undefined;
  };
  assert.equal(form(5), `${rule} `);
  assert.equal(form(6), rule.replace('appraise_flag=check_blacklist', ''));
});

type Old = readonly [rule: string, accepted: readonly string[], refused: readonly string[]];

/** What changed in 5.5 to 5.10: ima_validate_rule came in 5.9, and read words before looked at those in front of them. */
const OLD_KERNELS: readonly Old[] = [
  ['appraise func=KEXEC_CMDLINE', ['5.4', '5.8'], ['5.9', '6.12']],
  ['measure func=KEXEC_CMDLINE mask=MAY_READ', ['5.4', '5.8'], ['5.9']],
  ['audit func=KEY_CHECK euid=0 obj_type=etc_t', ['5.6', '5.8'], ['5.5', '5.9']],
  ['measure keyrings=.ima', ['5.6', '5.8'], ['5.5', '5.9']],
  ['measure func=KEY_CHECK keyrings=|.ima', ['5.6', '5.9'], ['5.5', '5.10']],
  ['pcr=11 measure', ['5.9', '6.12'], ['5.4', '5.8']],
  ['appraise_type=imasig appraise', ['5.9', '6.12'], ['5.4', '5.8']],
  ['appraise appraise_type=imasig|modsig func=MODULE_CHECK', ['5.9'], ['5.4', '5.8']],
  ['appraise func=MODULE_CHECK appraise_type=imasig|modsig', ['5.4', '5.9'], []],
  ['appraise func=BPRM_CHECK appraise_type=imasig|modsig', [], ['5.4', '5.9']],
  ['measure appraise_flag=x', ['5.5', '5.8', '6.6'], ['5.4', '5.9', '6.5']],
  ['appraise appraise_flag=check_blacklist', ['5.5', '5.8', '6.6'], ['5.4', '5.9']],
  ['measure obj_type=nosuch', ['5.6'], ['5.4', '5.5']],
];

for (const [rule, accepted, refused] of OLD_KERNELS) {
  test(`${rule} is accepted by ${accepted.join(', ') || 'none'}, refused by ${refused.join(', ') || 'none'}`, () => {
    const saidOk = [...accepted, ...refused].filter((release) => {
      return check(rule, { ...OPTIONS_6_12, version: parseKernelVersion(release) }).accepted;
    });
    assert.deepEqual(saidOk, accepted);
  });
}

test('before 5.10 rules for keys are accepted without the option that measures them', () => {
  const without = { ...OPTIONS_6_12, keyMeasurement: false };
  const on = (minor: number): boolean =>
    check('measure func=KEY_CHECK keyrings=.ima', { ...without, version: { major: 5, minor } }).accepted;
  assert.deepEqual([on(9), on(10)], [true, false]);
});

test('options are read from a list of their names; a name that is none makes it no list', () => {
  const version = parseKernelVersion('6.1');
  assert.deepEqual(parseOptionList('debian', version), debianOptions(version));
  assert.deepEqual(parseOptionList('debian,modsig,sha3-256,selinux', version), {
    appraise: true,
    modsig: true,
    keyMeasurement: true,
    labels: 'selinux',
    algorithms: ['md5', 'sha1', 'sha224', 'sha256', 'sha3-256'],
    moduleAlgorithms: debianOptions(version).moduleAlgorithms,
    defaultTemplate: 'ima-sig',
    customPolicyActive: false,
  });
  assert.deepEqual(parseOptionList('keys,sha1', version)?.algorithms, ['sha1']);
  for (const text of ['', 'debian,', 'debian,nosuch', 'MODSIG', '/boot/config-6.1', 'constructor'])
    assert.equal(parseOptionList(text, version), undefined, text);
});

test('a running kernel says which security module is active and which algorithms its modules brought', () => {
  const configured = debianOptions(parseKernelVersion('6.1'));
  const crypto =
    'name         : sha512\ndriver       : sha512-avx2\n\nname         : hmac(sm3)\nname         : crc32c\n';
  const running = runningOptions(configured, { lsm: 'lockdown,capability,yama,selinux,ima,evm\n', crypto });
  assert.deepEqual([running.labels, running.algorithms.at(-1)], ['selinux', 'sha512']);
  assert.equal(runningOptions(configured, { lsm: 'capability' }).labels, 'none');
  assert.equal(runningOptions({ ...configured, labels: 'none' }, { lsm: 'selinux' }).labels, 'none');
  assert.deepEqual(runningOptions(configured, {}), configured);
  assert.ok(!runningOptions(configured, { modprobe: false }).algorithms.includes('streebog256'));
  assert.ok(runningOptions(configured, { modprobe: true }).algorithms.includes('streebog256'));
});

test("an algorithm in a module is refused with what it depends on; which these are changes with Debian's kernels", () => {
  const rule = 'appraise appraise_algos=sha256,sha512,sha3-256';
  const said = (release: string): string => {
    const checked = check(rule, debian(release));
    return checked.accepted ? 'accepted' : checked.refusal.message;
  };
  assert.match(said('6.1'), /^sha512 is in a module of this kernel: .* modprobe/);
  assert.equal(said('6.12'), 'accepted');
  assert.match(said('7.2'), /^sha3-256 is in a module/);
});
