import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import {
  activate,
  builtinPolicy,
  BUILTIN_NAMES,
  checkPolicy,
  DEBIAN_BUILTIN_OPTIONS,
  evaluate,
  keptRules,
  parseBootPolicy,
  parseBuiltinOptions,
  parsePolicy,
  type BuiltinOptions,
} from '@assay/core/policy';
import { READ } from './policy-events.ts';
import { debian } from './policy-rules.ts';

const NOTHING = { appraiseTcb: false, secureBoot: false, criticalData: false, failSecurely: false };

function texts(name: string, release: string, options: Partial<BuiltinOptions> = {}, isSecureBoot = false): string[] {
  const all = { ...DEBIAN_BUILTIN_OPTIONS, ...options };
  return builtinPolicy(parseBootPolicy(name), debian(release), all, isSecureBoot).rules.map(({ text }) => text);
}

const RELEASES = ['5.4', '5.10', '5.15', '6.1', '6.6', '6.12', '6.14', '6.19', '7.0', '7.1', '7.2', '7.3'];

/** fsmagic of the file systems that tcb leaves out, in the kernel's order. */
const LEFT_OUT =
  '9fa0 62656572 64626720 1021994 1cd1 42494e4d 73636673 f97cff8c 43415d53 27e0eb 63677270 6e736673 de5e81e4'.split(
    ' ',
  );

test('tcb leaves out thirteen file systems and measures what is executed and what root reads', () => {
  assert.deepEqual(texts('tcb', '6.12'), [
    ...LEFT_OUT.map((magic) => `dont_measure fsmagic=0x${magic}`),
    'measure func=MMAP_CHECK mask=MAY_EXEC',
    'measure func=BPRM_CHECK mask=MAY_EXEC',
    'measure func=FILE_CHECK mask=^MAY_READ euid=0',
    'measure func=FILE_CHECK mask=^MAY_READ uid=0',
    'measure func=MODULE_CHECK',
    'measure func=FIRMWARE_CHECK',
    'measure func=POLICY_CHECK',
  ]);
});

test('tcb is the same from 5.4 to 6.13; then tmpfs is left out of opens only, and since 7.3 configfs is left out', () => {
  for (const release of ['5.4', '5.10', '5.15', '6.1', '6.6', '6.13'])
    assert.deepEqual(texts('tcb', release), texts('tcb', '6.12'));
  const since = texts('tcb', '6.12').map((text) =>
    text.replace('fsmagic=0x1021994', 'func=FILE_CHECK fsmagic=0x1021994'),
  );
  for (const release of ['6.14', '6.19', '7.2']) assert.deepEqual(texts('tcb', release), since);
  assert.deepEqual(texts('tcb', '7.3'), since.toSpliced(13, 0, 'dont_measure fsmagic=0x62656570'));
});

test('ima_tcb is the original list; of it and tcb the one that stands first on the command line counts', () => {
  assert.deepEqual(texts('ima_tcb', '6.12').slice(13), [
    'measure func=MMAP_CHECK mask=MAY_EXEC',
    'measure func=BPRM_CHECK mask=MAY_EXEC',
    'measure func=FILE_CHECK mask=MAY_READ uid=0',
    'measure func=MODULE_CHECK',
    'measure func=FIRMWARE_CHECK',
  ]);
  assert.deepEqual(texts('ima_tcb ima_policy=tcb', '6.12'), texts('ima_tcb', '6.12'));
  assert.deepEqual(texts('ima_policy=tcb ima_tcb', '6.12'), texts('tcb', '6.12'));
});

test('appraise_tcb asks for labels of what root owns, and by the configuration for signatures', () => {
  const rules = texts('appraise_tcb', '6.12');
  const magics = rules.flatMap((text) => /^dont_appraise fsmagic=0x([0-9a-f]+)$/.exec(text)?.[1] ?? []);
  assert.deepEqual(magics.toSorted(), [...LEFT_OUT, '858458f6'].toSorted());
  assert.deepEqual(rules.slice(magics.length), ['appraise fowner=0']);
  assert.deepEqual(texts('ima_appraise_tcb', '6.12'), rules);
  assert.deepEqual(texts('appraise_tcb', '6.12', { writePolicy: true, signedInit: true }).slice(magics.length), [
    'appraise func=POLICY_CHECK appraise_type=imasig',
    'appraise fowner=0 appraise_type=imasig',
  ]);
});

const SECURE_BOOT = ['MODULE', 'FIRMWARE', 'KEXEC_KERNEL', 'POLICY'].map(
  (name) => `appraise func=${name}_CHECK appraise_type=imasig`,
);

test('secure_boot stands in for the rules of the configuration, and takes appended signatures of modules since 7.3', () => {
  assert.deepEqual(texts('secure_boot', '6.12'), SECURE_BOOT);
  const required = ['MODULE', 'KEXEC'] as const;
  assert.deepEqual(texts('secure_boot', '6.12', { required }), SECURE_BOOT);
  assert.deepEqual(texts('fail_securely', '6.12', { required }), [SECURE_BOOT[0], SECURE_BOOT[2]]);
  assert.deepEqual(texts('secure_boot', '7.3').slice(0, 2), [
    'appraise func=MODULE_CHECK appraise_type=imasig|modsig',
    SECURE_BOOT[1],
  ]);
});

test('rules of the tables do not ask for the blacklist, unlike the same text in a policy', () => {
  const policy = builtinPolicy(parseBootPolicy('secure_boot'), debian('6.12'), DEBIAN_BUILTIN_OPTIONS);
  const { demands } = evaluate(activate(policy.rules, debian('6.12')), { ...READ, func: 'MODULE_CHECK' });
  assert.deepEqual([demands.signature, demands.blacklist], [true, false]);
});

test('the rules of the architecture depend on Secure Boot, on what else verifies kernels and modules, and on the version', () => {
  const none = { kexecSignatures: false, moduleSignatures: false };
  const measured = ['measure func=KEXEC_KERNEL_CHECK', 'measure func=MODULE_CHECK'];
  assert.deepEqual(texts('fail_securely', '6.12', none, false), []);
  assert.deepEqual(texts('fail_securely', '6.12', { archPolicy: false }, true), []);
  assert.deepEqual(texts('fail_securely', '6.12', {}, true), measured);
  assert.deepEqual(texts('fail_securely', '6.12', none, true), [
    SECURE_BOOT[2],
    measured[0],
    SECURE_BOOT[0],
    measured[1],
  ]);
  const keyring = { machineKeyring: true };
  assert.deepEqual(texts('fail_securely', '6.1', keyring, true), measured);
  assert.deepEqual(texts('fail_securely', '6.6', keyring, true), measured.toSpliced(1, 0, SECURE_BOOT[3] ?? ''));
  assert.deepEqual(
    texts('fail_securely', '7.3', {}, true),
    measured.toSpliced(1, 0, 'measure func=CRITICAL_DATA label=ima_policy'),
  );
});

test('a loaded policy keeps the rules of the architecture and of the configuration in front, and no others', () => {
  const options: BuiltinOptions = { ...DEBIAN_BUILTIN_OPTIONS, required: ['POLICY'] };
  assert.deepEqual(
    keptRules(debian('6.12'), options, true).map(({ text }) => text),
    ['measure func=KEXEC_KERNEL_CHECK', 'measure func=MODULE_CHECK', SECURE_BOOT[3]],
  );
});

test('a combination has its parts in the order of ima_init_policy, whatever the order on the command line', () => {
  const all = texts('critical_data|appraise_tcb|secure_boot|tcb', '6.12', {}, true);
  assert.deepEqual(all, [
    ...texts('tcb', '6.12'),
    ...texts('fail_securely', '6.12', {}, true),
    ...texts('secure_boot', '6.12'),
    ...texts('appraise_tcb', '6.12'),
    'measure func=CRITICAL_DATA',
  ]);
});

test('what the kernel would print of each built-in policy it accepts as a policy again', () => {
  for (const release of RELEASES) {
    for (const name of BUILTIN_NAMES.filter((one) => one !== 'fail_securely')) {
      if (name === 'critical_data' && release.startsWith('5.') && release !== '5.15') continue;
      const profile = { ...debian(release), modsig: true };
      const text = texts(name, release).map((rule) => `${rule}\n`);
      assert.equal(checkPolicy(parsePolicy(text.join('')), profile).accepted, true, `${name} ${release}`);
    }
  }
});

test('a command line is read as the kernel does: other parameters passed over, values in quotes, names between | or blanks', () => {
  for (const text of [
    'root=/dev/vda quiet ima_policy=tcb|fail_securely ro',
    'ima_policy="tcb fail_securely"',
    '"ima_policy=tcb fail_securely"',
    'ima_policy=tcb ima_policy=fail_securely',
    'tcb|fail_securely',
    'tcb fail_securely',
  ])
    assert.deepEqual(parseBootPolicy(text), { ...NOTHING, measure: 'tcb', failSecurely: true }, text);
  assert.deepEqual(parseBootPolicy('ima_appraise_tcb'), { ...NOTHING, appraiseTcb: true });
  assert.deepEqual(parseBootPolicy('root=/dev/vda'), NOTHING);
});

test('a name that the kernel does not know is refused', () => {
  for (const text of ['', '|', 'tbc', 'tcb|x', 'ima_policy=', 'ima_policy=ima_tcb', 'toString', 'ima_policy=__proto__'])
    assert.throws(() => parseBootPolicy(text), { constructor: FormatError, code: 'BUILTIN-NAME' }, text);
  const asked = parseBootPolicy('critical_data');
  assert.throws(() => builtinPolicy(asked, debian('5.11'), DEBIAN_BUILTIN_OPTIONS), { code: 'BUILTIN-NAME' });
});

test('the options are read from the configuration of a kernel', () => {
  const config = `CONFIG_IMA_WRITE_POLICY=y
# CONFIG_IMA_APPRAISE_SIGNED_INIT is not set
CONFIG_IMA_APPRAISE_REQUIRE_MODULE_SIGS=y
CONFIG_IMA_APPRAISE_REQUIRE_POLICY_SIGS=y
CONFIG_IMA_ARCH_POLICY=y
CONFIG_MODULE_SIG=y
CONFIG_INTEGRITY_MACHINE_KEYRING=y
`;
  assert.deepEqual(parseBuiltinOptions(config), {
    writePolicy: true,
    signedInit: false,
    required: ['MODULE', 'POLICY'],
    archPolicy: true,
    kexecSignatures: false,
    moduleSignatures: true,
    machineKeyring: false,
  });
});
