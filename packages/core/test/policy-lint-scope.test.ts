import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINT_CODES } from '@assay/core/errors';
import { builtinPolicy, DEBIAN_BUILTIN_OPTIONS, parseBootPolicy } from '@assay/core/policy';
import { debian, lintText, OPTIONS_6_12 } from './policy-rules.ts';

const NEW = { ...OPTIONS_6_12, version: { major: 7, minor: 2 } };

function codes(text: string): string[] {
  return lintText(`${text}\n`, NEW).map(({ line, code, severity }) => `${line} ${code} ${severity}`);
}

/** What the built-in policies leave out, as the message of LINT-PSEUDO wants it. */
const LEFT_OUT =
  '9fa0 62656572 64626720 1021994 1cd1 42494e4d 73636673 f97cff8c 27e0eb 63677270 6e736673 de5e81e4'.split(' ');
const leaveOut = (action: string): string[] => LEFT_OUT.map((magic) => `${action} func=FILE_CHECK fsmagic=0x${magic}`);

type Case = readonly [what: string, policy: readonly string[], found: readonly string[]];

const DONT: readonly Case[] = [
  [
    'dont_measure of everything',
    ['dont_measure', 'measure func=MODULE_CHECK'],
    ['1 LINT-DONT-BROAD warning', '2 LINT-UNREACHED warning'],
  ],
  ['dont_measure of everything at the end', ['measure func=MODULE_CHECK', 'dont_measure'], []],
  [
    'dont_measure of everything in front of rules it does not touch',
    ['measure func=MODULE_CHECK', 'dont_measure', 'measure func=KEY_CHECK'],
    [],
  ],
  [`dont_measure of root's`, ['dont_measure uid=0', 'measure func=BPRM_CHECK'], ['1 LINT-DONT-BROAD warning']],
  ['dont_measure of a user', ['dont_measure uid=1000', 'measure func=BPRM_CHECK'], []],
  [
    'dont_measure of a whole disk',
    ['dont_measure fsmagic=0xef53', 'measure func=BPRM_CHECK'],
    ['1 LINT-DONT-BROAD warning'],
  ],
  [
    'dont_appraise of a whole disk by name',
    ['dont_appraise fsname=xfs', 'appraise func=MODULE_CHECK'],
    ['1 LINT-DONT-BROAD warning'],
  ],
  [
    'dont_measure of one disk',
    ['dont_measure fsuuid=03251fa2-e646-4ce2-8052-58d77f705287', 'measure func=BPRM_CHECK'],
    [],
  ],
  ['dont_measure of a label', ['dont_measure obj_type=var_log_t', 'measure func=BPRM_CHECK'], ['1 LINT-NEVER warning']],
  ['dont_measure of another class', ['dont_measure', 'appraise func=MODULE_CHECK'], []],
];

const MAGIC: readonly Case[] = [
  [
    'a number of another file system',
    ['# securityfs', 'dont_measure fsmagic=0x62656572'],
    ['2 LINT-MAGIC-NAME warning'],
  ],
  ['the right number', ['# SECURITYFS_MAGIC', 'dont_measure fsmagic=0x73636673'], []],
  [
    'a wrong number in capitals',
    ['# PROC_SUPER_MAGIC', 'dont_measure fsmagic=0x62656572'],
    ['2 LINT-MAGIC-NAME warning'],
  ],
  ['a wrong number behind the rule', ['dont_measure fsmagic=0x1021994 # proc'], ['1 LINT-MAGIC-NAME warning']],
  ['a comment about several file systems', ['# proc and sysfs', 'dont_measure fsmagic=0x64626720'], []],
  [
    'a comment about several rules',
    ['# like tmpfs', 'dont_measure fsmagic=0x9fa0', 'dont_measure fsmagic=0x62656572'],
    [],
  ],
  [
    'a wrong name above several rules',
    ['# TMPFS_MAGIC', 'dont_measure fsmagic=0x9fa0', 'dont_measure fsmagic=0x62656572'],
    ['2 LINT-MAGIC-NAME warning'],
  ],
  ['a comment with a line between', ['# tmpfs', '', 'dont_measure fsmagic=0x9fa0'], []],
  ['a comment that names no file system', ['# changes all the time', 'dont_measure fsmagic=0x9fa0'], []],
  ['the version that is meant', ['# cgroup v2', 'dont_measure fsmagic=0x63677270'], []],
  ['a number of nothing', ['dont_measure fsmagic=0x12345'], ['1 LINT-MAGIC-UNKNOWN note']],
  ['a number that is not hexadecimal', ['dont_measure fsmagic=61267'], ['1 LINT-MAGIC-UNKNOWN note']],
];

const HOLES: readonly Case[] = [
  ['tmpfs left out of programs', ['dont_measure fsmagic=0x1021994', 'measure func=BPRM_CHECK'], ['1 LINT-TMPFS note']],
  ['tmpfs left out of reading', ['dont_measure func=FILE_CHECK fsmagic=0x1021994', 'measure func=BPRM_CHECK'], []],
  [
    'ramfs left out of checks of programs',
    ['dont_appraise fsmagic=0x858458f6', 'appraise func=MMAP_CHECK fowner=5'],
    ['1 LINT-TMPFS note'],
  ],
  ['tmpfs left out where no rule is for programs', ['dont_measure fsmagic=0x1021994', 'measure func=MODULE_CHECK'], []],
  ['overlayfs left out', ['dont_measure fsmagic=0x794c7630', 'measure func=BPRM_CHECK'], ['1 LINT-OVERLAY note']],
  ['programs of disks alone', ['measure func=BPRM_CHECK fsname=ext4'], ['1 LINT-OVERLAY note']],
  [
    'programs of disks and overlayfs',
    ['measure func=BPRM_CHECK fsname=ext4', 'measure func=BPRM_CHECK fsname=overlay'],
    [],
  ],
  ['programs of everywhere', ['measure func=BPRM_CHECK fsname=ext4', 'measure func=BPRM_CHECK'], []],
  ['programs of pseudo file systems', ['audit func=BPRM_CHECK fsname=proc', 'measure func=BPRM_CHECK fsname=proc'], []],
];

const WIDE: readonly Case[] = [
  [
    'reads of root, with nothing left out',
    ['measure func=FILE_CHECK mask=^MAY_READ uid=0'],
    ['1 LINT-PSEUDO warning', '1 LINT-EXCESS note'],
  ],
  [
    'reads of root, with all left out',
    [...leaveOut('dont_measure'), 'measure func=FILE_CHECK mask=^MAY_READ uid=0'],
    ['13 LINT-EXCESS note'],
  ],
  [
    'reads of root, left out too late',
    ['measure func=FILE_CHECK mask=^MAY_READ euid=0', ...leaveOut('dont_measure')],
    ['1 LINT-PSEUDO warning', '1 LINT-EXCESS note'],
  ],
  ['reads of a type', ['measure func=FILE_CHECK obj_type=etc_t'], ['1 LINT-NEVER warning']],
  ['reads of anybody', [...leaveOut('dont_measure'), 'measure func=FILE_CHECK'], ['13 LINT-EXCESS warning']],
  ['reads of files of root', [...leaveOut('dont_measure'), 'measure func=FILE_CHECK fowner=0'], []],
  ['checks of files of root', ['appraise fowner=0'], ['1 LINT-PSEUDO warning', '1 LINT-LABELS warning']],
  [
    'checks of files of root, with all left out',
    [...leaveOut('dont_appraise'), 'appraise fowner=0'],
    ['13 LINT-LABELS warning'],
  ],
  [
    'checks of programs',
    ['appraise func=BPRM_CHECK', 'appraise func=MMAP_CHECK mask=MAY_EXEC'],
    ['1 LINT-LABELS note'],
  ],
  ['checks of programs of a user', ['appraise func=BPRM_CHECK fowner=1000'], []],
  ['checks of modules', ['appraise func=MODULE_CHECK'], []],
];

const WINDOWS: readonly Case[] = [
  ['a file system with the line end of Windows', ['audit fsname=ext4\r'], ['1 LINT-NEVER warning']],
  ['a keyring with the line end of Windows', ['measure func=KEY_CHECK keyrings=.evm|.ima\r'], ['1 LINT-NEVER warning']],
  ['a UUID with the line end of Windows', ['audit fsuuid=03251fa2-e646-4ce2-8052-58d77f705287\r'], []],
];

const SIGNED = 'appraise func=MODULE_CHECK appraise_type=imasig';
const SIGNATURES: readonly Case[] = [
  ['signatures that the list does not show', [SIGNED, 'measure func=MODULE_CHECK'], ['2 LINT-SIGNATURES note']],
  ['signatures in another template', [SIGNED, 'measure func=MODULE_CHECK template=ima-ng'], ['2 LINT-SIGNATURES note']],
  ['signatures in the list', [SIGNED, 'measure func=MODULE_CHECK template=ima-sig'], []],
  ['signatures of other files', [SIGNED, 'measure func=BPRM_CHECK'], []],
  ['hashes', ['appraise func=MODULE_CHECK', 'measure func=MODULE_CHECK'], []],
  ['buffers', ['appraise func=MODULE_CHECK appraise_type=imasig', 'measure func=KEXEC_CMDLINE'], []],
];

for (const [what, policy, found] of [...DONT, ...MAGIC, ...HOLES, ...WIDE, ...WINDOWS, ...SIGNATURES]) {
  test(`lint of ${what}: ${found.join(', ') || 'nothing'}`, () => assert.deepEqual(codes(policy.join('\n')), found));
}

test('the message about a magic number names both numbers', () => {
  const [found] = lintText('# securityfs\ndont_measure fsmagic=62656572\n');
  assert.equal(found?.message, '0x62656572 is sysfs, and the comment says securityfs, which is 0x73636673');
  assert.deepEqual([found.line, found.column], [2, 14]);
});

test('a magic number in decimal digits is told from what it is in hexadecimal', () => {
  const [found] = lintText('dont_measure fsmagic=61267\n');
  assert.match(found?.message ?? '', /^0x61267 is .*; 61267 in decimal is ext4: write 0xef53$/);
});

test('the message about pseudo file systems names those that are missing', () => {
  const most = leaveOut('dont_appraise').slice(1).join('\n');
  const found = lintText(`${most}\nappraise func=FILE_CHECK fowner=1000\n`);
  assert.match(found[0]?.message ?? '', /^no dont_appraise in front of it for proc: /);
});

test('fixes that change decisions are told, and are not called safe', () => {
  const fixOf = (policy: string): unknown => lintText(policy).find(({ fix }) => fix !== undefined)?.fix;
  assert.deepEqual(fixOf('dont_measure fsmagic=0x1021994\nmeasure func=BPRM_CHECK\n'), {
    safe: false,
    text: 'dont_measure fsmagic=0x1021994 func=FILE_CHECK',
  });
  assert.deepEqual(fixOf(`${SIGNED}\nmeasure func=MODULE_CHECK template=ima-ng pcr=11\n`), {
    safe: false,
    text: 'measure func=MODULE_CHECK pcr=11 template=ima-sig',
  });
});

test('rules that appraise are told to be ignored by a kernel that was built without appraisal', () => {
  const rules = 'measure func=MODULE_CHECK\nappraise func=MODULE_CHECK\nappraise func=FIRMWARE_CHECK\n';
  const [found, ...others] = lintText(rules, { ...NEW, appraise: false });
  assert.deepEqual([found?.line, found?.code, others], [2, 'LINT-IGNORED', []]);
  assert.deepEqual(lintText(rules, NEW), []);
});

test('a default template that carries signatures is enough', () => {
  const rules = `${SIGNED}\nmeasure func=MODULE_CHECK\n`;
  assert.deepEqual(lintText(rules, { ...NEW, defaultTemplate: 'ima-sig' }), []);
  assert.equal(lintText(rules, NEW)[0]?.code, 'LINT-SIGNATURES');
});

test('a comment behind a rule or above it allows what it names, for that rule alone', () => {
  const rule = 'appraise func=BPRM_CHECK';
  assert.deepEqual(codes(`# assay: allow LINT-LABELS, the image is labelled\n${rule}`), []);
  assert.deepEqual(codes(`${rule} # assay: allow LINT-EXCESS, LINT-LABELS`), []);
  assert.deepEqual(codes(`# assay: allow LINT-EXCESS\n${rule}`), ['2 LINT-LABELS note']);
  assert.deepEqual(codes(`# assay: allow LINT-LABELS\n\n${rule}`), ['3 LINT-LABELS note']);
  assert.deepEqual(codes(`# assay: allow LINT-MAGIC-UNKNOWN\nhash fsmagic=1\nhash fsmagic=2`), [
    '3 LINT-MAGIC-UNKNOWN note',
  ]);
});

function builtin(name: string, release: string): string[] {
  const profile = debian(release);
  const { rules } = builtinPolicy(parseBootPolicy(name), profile, DEBIAN_BUILTIN_OPTIONS);
  const found = lintText(rules.map(({ text }) => `${text}\n`).join(''), profile);
  return found.map(({ code, severity, line }) => `${rules[line - 1]?.text} ${code} ${severity}`);
}

/** Nothing but what these policies are known for: they leave out tmpfs, measure all that root reads, and need labels. */
test('lints of the built-in policies are those that are meant for them', () => {
  const excess = 'measure func=FILE_CHECK mask=^MAY_READ euid=0 LINT-EXCESS note';
  const tmpfs = 'fsmagic=0x1021994 LINT-TMPFS note';
  assert.deepEqual(builtin('tcb', '6.12'), [`dont_measure ${tmpfs}`, excess]);
  assert.deepEqual(builtin('tcb', '6.14'), [excess]);
  assert.deepEqual(builtin('ima_tcb', '7.2'), [
    'measure func=FILE_CHECK mask=MAY_READ uid=0 LINT-EXCESS note',
    'measure func=FILE_CHECK mask=MAY_READ uid=0 LINT-MASK-EXACT warning',
  ]);
  assert.deepEqual(builtin('appraise_tcb', '6.12'), [
    `dont_appraise ${tmpfs}`,
    'appraise fowner=0 LINT-LABELS warning',
  ]);
  assert.deepEqual(builtin('secure_boot', '6.12'), []);
  assert.deepEqual(builtin('critical_data', '6.12'), []);
});

test('lints of a policy for signed programs, as distributions ship it: programs in memory and containers, labels', () => {
  const names =
    'PROC_SUPER SYSFS DEBUGFS TMPFS RAMFS DEVPTS_SUPER BINFMTFS SECURITYFS SELINUX SMACK NSFS EFIVARFS'.split(' ');
  const magics =
    '9fa0 62656572 64626720 1021994 858458f6 1cd1 42494e4d 73636673 f97cff8c 43415d53 6e736673 de5e81e4'.split(' ');
  const skipped = magics.flatMap((magic, index) => [`# ${names[index]}_MAGIC`, `dont_appraise fsmagic=0x${magic}`]);
  const policy = [
    '# file systems that hold no labels',
    ...skipped,
    '# OVERLAYFS_MAGIC',
    '# images of containers are not signed',
    'dont_appraise fsmagic=0x794c7630',
    'appraise func=BPRM_CHECK appraise_type=imasig',
    'appraise func=MMAP_CHECK mask=MAY_EXEC appraise_type=imasig',
  ];
  assert.deepEqual(codes(policy.join('\n')), ['9 LINT-TMPFS note', '28 LINT-OVERLAY note', '29 LINT-LABELS note']);
});

test('every lint has a case here or in the tests of single rules', () => {
  const tested = [...DONT, ...MAGIC, ...HOLES, ...WIDE, ...WINDOWS, ...SIGNATURES].flatMap(([, , found]) => found);
  const single = ['LINT-MASK-EXACT', 'LINT-REPEATED', 'LINT-IGNORED', 'LINT-OLD-NAME'];
  for (const code of Object.keys(LINT_CODES))
    assert.ok(single.includes(code) || tested.some((each) => each.includes(` ${code} `)), code);
});
