import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kmallocSize } from '@assay/core/measurement';
import { ACCESS, plainSubject } from '@assay/core/policy';
import {
  ASSUMPTION_NAMES,
  assumedEvents,
  DEFAULT_ASSUMPTIONS,
  dependsOnElf,
  emptyTally,
  entryCost,
  labelClass,
  labelRefusal,
  mergeTallies,
  Preflight,
  roleOf,
  tally,
  type Assumption,
  type FileKind,
  type FoundLabel,
  type PreflightFile,
} from '@assay/core/preflight';
import { FILE, policyOf } from './policy-events.ts';
import { OPTIONS_6_12 } from './policy-rules.ts';

const NEW = { ...OPTIONS_6_12, version: { major: 7, minor: 2 } };
const KERNEL = { version: { major: 6, minor: 12 }, mode: 'enforce', imaHash: 'sha256' } as const;

function kind(change: Partial<FileKind>): FileKind {
  return { mode: 0o100755, owner: 0, group: 0, isElf: true, role: 'other', ...change };
}

function asked(change: Partial<FileKind>, assumption: Assumption, users = [0, 1000], profile = OPTIONS_6_12): string[] {
  return assumedEvents(kind(change), [assumption], users, profile).map(
    ({ func, mask, subject }) => `${func} ${mask} ${subject.uid}`,
  );
}

test('the role of a file follows from its name', () => {
  for (const [path, role] of [
    ['/usr/lib/x86_64-linux-gnu/libc.so.6', 'shared-object'],
    ['/usr/lib/libc.so', 'shared-object'],
    ['/usr/lib/libc.source', 'other'],
    ['/usr/lib/modules/6.12/kernel/fs/ext4.ko.xz', 'module'],
    ['/usr/lib/modules/6.12/modules.dep', 'other'],
    ['/lib/firmware/intel/a.bin', 'firmware'],
    ['/boot/vmlinuz-6.12', 'kernel'],
    ['/boot/initrd.img-6.12', 'initramfs'],
    ['/boot/initramfs-6.12.img', 'initramfs'],
    ['/usr/bin/ls', 'other'],
  ] as const)
    assert.equal(roleOf(path), role, path);
});

test('an ELF file that is executed is opened, checked twice and mapped; what is none is read by its interpreter', () => {
  const { MAY_EXEC: x, MAY_READ: r } = ACCESS;
  const executed = [`FILE_CHECK ${x} 0`, `BPRM_CHECK ${x} 0`, `CREDS_CHECK ${x} 0`];
  assert.deepEqual(asked({}, 'exec', [0]), [...executed, `MMAP_CHECK_REQPROT ${x} 0`, `MMAP_CHECK ${x} 0`]);
  const before = { ...OPTIONS_6_12, version: { major: 6, minor: 1 } };
  assert.deepEqual(asked({}, 'exec', [0], before), [...executed, `MMAP_CHECK ${x} 0`]);
  assert.deepEqual(asked({ isElf: false }, 'exec', [0]), [...executed, `FILE_CHECK ${r} 0`]);
  // Since 6.19 CREDS_CHECK is asked about the interpreter alone.
  assert.deepEqual(asked({ isElf: false }, 'exec', [0], NEW), [...executed.slice(0, 2), `FILE_CHECK ${r} 0`]);
  assert.deepEqual(asked({ mode: 0o100644 }, 'exec'), []);
});

test('who executes or reads is decided by the permission bits, and root may', () => {
  const users = (change: Partial<FileKind>, assumption: Assumption): number[] => [
    ...new Set(assumedEvents(kind(change), [assumption], [0, 1000, 7], OPTIONS_6_12).map(({ subject }) => subject.uid)),
  ];
  assert.deepEqual(users({ mode: 0o100750, owner: 1000, group: 7 }, 'exec'), [0, 1000, 7]);
  assert.deepEqual(users({ mode: 0o100700, owner: 1000 }, 'exec'), [0, 1000]);
  assert.deepEqual(users({ mode: 0o100055, owner: 1000, group: 7 }, 'exec'), [0, 7]);
  assert.deepEqual(users({ mode: 0o100640, group: 7 }, 'read-user'), [7]);
  assert.deepEqual(users({ mode: 0o100600 }, 'read-root'), [0]);
  assert.deepEqual(users({ mode: 0o100644, role: 'shared-object' }, 'mmap'), [0, 1000, 7]);
  assert.deepEqual(users({ mode: 0o100644, role: 'shared-object', isElf: false }, 'mmap'), []);
});

test('CREDS_CHECK sees what setuid bits give before 5.8 and since 6.19, with the capabilities that the process had', () => {
  const creds = (major: number, minor: number): unknown => {
    const profile = { version: { major, minor } };
    const events = assumedEvents(kind({ mode: 0o106755, group: 5 }), ['exec'], [1000], profile);
    return events.find(({ func }) => func === 'CREDS_CHECK')?.subject;
  };
  const before = plainSubject(1000, 1000);
  const after = { ...before, euid: 0, suid: 0, egid: 5, sgid: 5 };
  assert.deepEqual([creds(5, 7), creds(5, 8), creds(6, 18), creds(6, 19)], [after, before, before, after]);
});

test('the kernel opens modules, firmware and kernels, and reads them with the function for them', () => {
  const r = ACCESS.MAY_READ;
  assert.deepEqual(asked({ role: 'module' }, 'modules'), [`FILE_CHECK ${r} 0`, `MODULE_CHECK ${r} 0`]);
  assert.deepEqual(asked({ role: 'firmware' }, 'firmware'), [`FILE_CHECK ${r} 0`, `FIRMWARE_CHECK ${r} 0`]);
  assert.deepEqual(asked({ role: 'kernel' }, 'kexec'), [`FILE_CHECK ${r} 0`, `KEXEC_KERNEL_CHECK ${r} 0`]);
  assert.deepEqual(asked({ role: 'initramfs' }, 'kexec'), [`FILE_CHECK ${r} 0`, `KEXEC_INITRAMFS_CHECK ${r} 0`]);
  for (const assumption of ['modules', 'firmware', 'kexec'] as const) assert.deepEqual(asked({}, assumption), []);
  assert.deepEqual(
    ASSUMPTION_NAMES.filter((name) => !DEFAULT_ASSUMPTIONS.includes(name)),
    ['kexec'],
  );
});

test('only files that may be executed or are named as shared objects are looked into', () => {
  assert.deepEqual(
    [dependsOnElf(0o100644, 'other'), dependsOnElf(0o100645, 'other'), dependsOnElf(0o100644, 'shared-object')],
    [false, true, true],
  );
});

const DIGEST = Uint8Array.from([4, 4, ...new Uint8Array(32).fill(7)]);
const SIGNATURE = Uint8Array.from([3, 2, 4, 1, 2, 3, 4, 0, 2, 9, 9]);
const VERITY = Uint8Array.from([6, 3, 4, 1, 2, 3, 4, 0, 2, 9, 9]);

/** Rule, label, kernel: why every content is refused, or undefined. */
const LABELS: readonly (readonly [rule: string, label: FoundLabel, minor: number, cause: string | undefined])[] = [
  ['appraise', null, 12, 'missing-hash'],
  ['appraise', new Uint8Array(), 12, 'missing-hash'],
  ['appraise', 'unsupported', 12, 'no-xattr-support'],
  ['appraise', 'unreadable', 12, 'unknown'],
  ['appraise', DIGEST, 12, undefined],
  ['appraise', SIGNATURE, 12, undefined],
  ['appraise', Uint8Array.of(9, 9), 12, 'unknown-ima-data'],
  ['appraise', Uint8Array.of(5, 9), 12, 'unknown-ima-data'],
  ['appraise appraise_type=imasig', null, 12, 'IMA-signature-required'],
  ['appraise appraise_type=imasig', DIGEST, 12, 'IMA-signature-required'],
  ['appraise appraise_type=imasig', SIGNATURE, 12, undefined],
  ['appraise appraise_type=imasig', VERITY, 12, 'IMA-signature-required'],
  ['appraise digest_type=verity appraise_type=sigv3', VERITY, 12, undefined],
  ['appraise digest_type=verity appraise_type=sigv3', SIGNATURE, 12, 'verity-signature-required'],
  ['appraise digest_type=verity appraise_type=sigv3', null, 12, 'verity-signature-required'],
  ['appraise appraise_algos=sha256', DIGEST, 12, undefined],
  ['appraise appraise_algos=sha512', DIGEST, 12, 'denied-hash-algorithm'],
  ['appraise appraise_algos=sha512', null, 12, 'missing-hash'],
];

for (const [rule, label, minor, cause] of LABELS) {
  const shown = label instanceof Uint8Array ? `type ${label[0]}` : String(label);
  test(`${rule} on a label of ${shown} is ${cause ?? 'a question of the content'}`, () => {
    const preflight = new Preflight(policyOf(`${rule}\n`, OPTIONS_6_12), {
      kernel: { ...KERNEL, version: { major: 6, minor } },
      assumptions: ['read-root'],
      users: [0],
      template: 'ima-sig',
    });
    const { refusals, appraised } = preflight.judge(file({ label }));
    assert.equal(appraised, true);
    assert.deepEqual(
      refusals,
      cause === undefined ? [] : [{ assumption: 'read-root', func: 'FILE_CHECK', uid: 0, line: 1, cause }],
    );
  });
}

test('a rule for signatures of version 3 refuses those of version 2', () => {
  const demands = {
    signature: true,
    sigv3: true,
    modsig: false,
    blacklist: true,
    verity: false,
    permitDirectio: false,
  };
  const kernel = { ...KERNEL, version: { major: 7, minor: 2 } };
  const rules = { actions: new Set(['appraise'] as const), demands: { ...demands, failUnverifiable: false } };
  assert.equal(labelRefusal({ label: SIGNATURE, size: 1 }, rules, kernel), 'IMA-sigv3-required');
});

test('labels are told apart by their first byte', () => {
  assert.deepEqual(
    [null, new Uint8Array(), DIGEST, Uint8Array.of(1), SIGNATURE, VERITY, Uint8Array.of(2), 'unsupported' as const].map(
      labelClass,
    ),
    ['none', 'none', 'digest', 'digest', 'signature', 'verity', 'unknown', 'unsupported'],
  );
});

function file(change: Partial<PreflightFile>): PreflightFile {
  return {
    path: '/usr/bin/ls',
    size: 1000,
    mode: 0o100755,
    owner: 0,
    group: 0,
    fileSystem: { magic: FILE.magic, type: 'ext4', subtype: '' },
    role: 'other',
    isElf: true,
    label: null,
    ...change,
  };
}

function preflight(text: string, assumptions: readonly Assumption[] = DEFAULT_ASSUMPTIONS): Preflight {
  const options = { kernel: KERNEL, assumptions, users: [0, 1000], template: 'ima-ng' };
  return new Preflight(policyOf(text, OPTIONS_6_12), options);
}

test('a file brings one entry for each PCR, in the template of the rule or the default one', () => {
  const text = 'measure func=BPRM_CHECK pcr=11 template=ima-sig\nmeasure func=MMAP_CHECK\nmeasure func=CREDS_CHECK\n';
  const { entries, measuredBy, isRead } = preflight(text).judge(file({}));
  assert.deepEqual(entries, [
    { pcr: 11, template: 'ima-sig' },
    { pcr: 10, template: 'ima-ng' },
  ]);
  assert.deepEqual([measuredBy, isRead], [['exec'], true]);
});

test('each assumption has its first refusal, and content that differs from its label is one', () => {
  const judge = preflight('appraise fowner=0\n');
  const { refusals } = judge.judge(file({ role: 'shared-object' }));
  assert.deepEqual(
    refusals.map(({ assumption, func, cause }) => `${assumption} ${func} ${cause}`),
    ['exec', 'mmap', 'read-root', 'read-user'].map((name) => `${name} FILE_CHECK missing-hash`),
  );
  assert.deepEqual(judge.judge(file({ label: DIGEST, content: 'equal' })).refusals, []);
  assert.equal(judge.judge(file({ label: DIGEST, content: 'different' })).refusals[0]?.cause, 'invalid-hash');
  assert.equal(judge.judge(file({ owner: 1 })).appraised, false);
});

test('files of one kind are judged alike, and of another not', () => {
  const judge = preflight('measure fsname=xfs\n', ['read-root']);
  const xfs = { magic: 0x58465342n, type: 'xfs', subtype: '' };
  for (let round = 0; round < 2; round++) {
    assert.equal(judge.judge(file({})).entries.length, 0);
    assert.equal(judge.judge(file({ fileSystem: xfs })).entries.length, 1);
  }
});

test('what depends on facts that a tree does not tell is uncertain', () => {
  const selinux = { ...OPTIONS_6_12, labels: 'selinux' as const };
  const policy = policyOf('dont_measure obj_type=log_t\nmeasure\n', selinux);
  const options = { kernel: KERNEL, assumptions: ['read-root' as const], users: [0], template: 'ima-ng' };
  const verdict = new Preflight(policy, options).judge(file({}));
  assert.deepEqual([verdict.isUncertain, verdict.entries.length], [true, 1]);
});

test('a digest of fs-verity is not computed at the first access', () => {
  assert.equal(preflight('measure digest_type=verity\n').judge(file({})).isRead, false);
  assert.equal(preflight('hash\n').judge(file({})).isRead, false);
});

test('memory is counted as the kernel allocates it, and an entry as it is written', () => {
  assert.deepEqual(
    [0, 1, 8, 9, 65, 97, 129, 193, 257, 5000].map(kmallocSize),
    [0, 8, 8, 16, 96, 128, 192, 256, 512, 8192],
  );
  // pcr, digest, "ima-ng", 40 bytes of digest, "/usr/bin/ls" with its zero
  assert.equal(entryCost('ima-ng', 11, 0).listBytes, 4 + 20 + (4 + 6) + 4 + (4 + 40) + (4 + 12));
  assert.equal(entryCost('ima-ng', 11, 0).kernelBytes, 64 + 64 + 192 + 64 + 16);
  assert.equal(entryCost('ima-sig', 11, 264).kernelBytes, 64 + 96 + 192 + 64 + 16 + 512);
  assert.equal(entryCost('ima', 11, 0).listBytes, 4 + 20 + (4 + 3) + 20 + (4 + 11));
});

test('tallies of parts add up to that of the whole', () => {
  const judge = preflight('measure func=BPRM_CHECK\nappraise fowner=0\naudit uid=0\n');
  const files = [
    file({}),
    file({ path: '/usr/lib/a.so', role: 'shared-object', mode: 0o100644 }),
    file({ path: '/etc/b', mode: 0o100644, label: DIGEST }),
    file({ path: '/srv/c', mode: 0o100600, owner: 5, size: 3 }),
  ];
  const counted = (part: readonly PreflightFile[]): ReturnType<typeof emptyTally> => {
    const into = emptyTally();
    for (const one of part) tally(into, one, judge.judge(one), one.path.slice(0, 4));
    return into;
  };
  const whole = counted(files);
  const merged = counted(files.slice(0, 2));
  mergeTallies(merged, counted(files.slice(2)));
  assert.deepEqual(merged, whole);
  assert.deepEqual(whole.total, { files: 4, measured: 1, appraised: 3, refused: 2, bytes: 3003 });
  assert.deepEqual(whole.byDirectory.get('/usr'), { files: 2, measured: 1, appraised: 2, refused: 2, bytes: 2000 });
  assert.deepEqual([...whole.causes], [['missing-hash', 2]]);
  assert.deepEqual(
    [whole.audited, whole.entries, [...whole.labels]],
    [
      4,
      1,
      [
        ['none', 2],
        ['digest', 1],
      ],
    ],
  );
  assert.deepEqual(
    whole.refused.map(({ path }) => path),
    ['/usr/bin/ls', '/usr/lib/a.so'],
  );
});
