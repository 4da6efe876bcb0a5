import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ACCESS, ACTION_CLASSES, evaluate, labelAlgorithms, plainSubject, type PolicyEvent } from '@assay/core/policy';
import { FILE, policyOf, READ } from './policy-events.ts';
import { debian, OPTIONS_6_12 } from './policy-rules.ts';

const NEW = { ...OPTIONS_6_12, version: { major: 7, minor: 2 }, labels: 'selinux' as const };
const { MAY_APPEND, MAY_EXEC, MAY_READ, MAY_WRITE } = ACCESS;

type Change = Partial<Omit<PolicyEvent, 'file'>> & { readonly file?: Partial<PolicyEvent['file']> };

function event({ file, ...change }: Change): PolicyEvent {
  return { ...READ, ...change, file: { ...FILE, ...file } };
}

/** Condition, an event that it matches, one that it does not. */
const CONDITIONS: readonly (readonly [condition: string, yes: Change, no: Change])[] = [
  ['func=FILE_CHECK', {}, { func: 'BPRM_CHECK' }],
  ['func=PATH_CHECK', {}, { func: 'MMAP_CHECK' }],
  ['func=FILE_MMAP', { func: 'MMAP_CHECK' }, { func: 'MMAP_CHECK_REQPROT' }],
  ['func=CREDS_CHECK', { func: 'CREDS_CHECK' }, { func: 'BPRM_CHECK' }],
  ['func=BPRM_CHECK', { func: 'POST_SETATTR', mask: 0 }, {}],
  ['mask=MAY_READ', {}, { mask: MAY_READ | MAY_WRITE }],
  ['mask=MAY_READ', { func: 'POST_SETATTR', mask: 0 }, { mask: MAY_EXEC }],
  ['mask=^MAY_READ', { mask: MAY_READ | MAY_WRITE }, { mask: MAY_WRITE }],
  ['mask=^MAY_APPEND', { mask: MAY_WRITE | MAY_APPEND }, {}],
  ['mask=MAY_APPEND', { mask: MAY_APPEND }, { mask: MAY_WRITE | MAY_APPEND }],
  ['fsmagic=ef53', {}, { file: { magic: 0x9fa0n } }],
  ['fsmagic=9123683e', { file: { magic: 0x9123683en } }, {}],
  ['fsname=ext4', {}, { file: { type: 'ext' } }],
  ['fs_subtype=sshfs', { file: { type: 'fuse', subtype: 'sshfs' } }, {}],
  ['fsuuid=0A1B2C3D-4e5f-6071-8293-a4b5c6d7e8f9', {}, { file: { uuid: '00000000-0000-0000-0000-000000000000' } }],
  ['uid=0', {}, { subject: { ...plainSubject(0, 0), uid: 1 } }],
  ['uid>0', { subject: plainSubject(4294967294, 0) }, {}],
  ['uid<1000', {}, { subject: plainSubject(1000, 0) }],
  ['euid=0', {}, { subject: { ...plainSubject(1, 1), uid: 0, suid: 0 } }],
  ['euid=7', { subject: { ...plainSubject(0, 0), suid: 7 } }, { subject: { ...plainSubject(1, 1), suid: 7 } }],
  ['euid=7', { subject: { ...plainSubject(0, 0), uid: 7 } }, {}],
  ['euid>0', { subject: { ...plainSubject(0, 0), suid: 7 } }, {}],
  ['gid=5', { subject: plainSubject(0, 5) }, { subject: { ...plainSubject(0, 0), egid: 5 } }],
  ['egid=5', { subject: { ...plainSubject(0, 0), sgid: 5 } }, { subject: { ...plainSubject(1, 1), sgid: 5 } }],
  ['fowner=0', {}, { file: { owner: 1 } }],
  ['fowner>999', { file: { owner: 1000 } }, { file: { owner: 999 } }],
  ['fgroup<1', {}, { file: { group: 1 } }],
  ['obj_type=bin_t', { hasLabel: (field, text) => `${field}=${text}` === 'obj_type=bin_t' }, { hasLabel: () => false }],
];

for (const [condition, yes, no] of CONDITIONS) {
  test(`${condition} matches as ima_match_rules has it: ${JSON.stringify(yes, replacer)}`, () => {
    for (const action of ['measure', 'audit', 'hash', 'appraise']) {
      const policy = policyOf(`${action} ${condition}\n`, NEW);
      assert.deepEqual([...evaluate(policy, event(yes)).actions], [action]);
      assert.equal(evaluate(policy, event(no)).actions.size, 0);
    }
  });
}

function replacer(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}

test('buffers match only rules that name them, by user and list; gid is not looked at', () => {
  const key: PolicyEvent = { func: 'KEY_CHECK', mask: 0, subject: plainSubject(0, 0), data: '.ima' };
  const data: PolicyEvent = { ...key, func: 'CRITICAL_DATA', data: 'selinux' };
  const measures = (rule: string, event: PolicyEvent): boolean =>
    evaluate(policyOf(`${rule}\n`, NEW), event).actions.has('measure');
  for (const [rule, event, expected] of [
    ['measure', key, false],
    ['measure', data, false],
    ['measure func=KEY_CHECK', key, true],
    ['measure func=KEY_CHECK', data, false],
    ['measure func=KEY_CHECK keyrings=.evm|.ima', key, true],
    ['measure func=KEY_CHECK keyrings=.evm', key, false],
    ['measure func=KEY_CHECK uid=1', key, false],
    ['measure func=KEY_CHECK gid=1', key, true],
    ['measure func=CRITICAL_DATA label=selinux', data, true],
    ['measure func=CRITICAL_DATA label=dm', data, false],
  ] as const)
    assert.equal(measures(rule, event), expected, rule);
});

test('the command line of kexec is a buffer without a file before 5.9, and with the file of the kernel since', () => {
  const commandLine: PolicyEvent = { ...READ, func: 'KEXEC_CMDLINE', mask: 0 };
  const measures = (rule: string, release: string): boolean =>
    evaluate(policyOf(`${rule}\n`, debian(release)), commandLine).actions.has('measure');
  assert.deepEqual(
    ['measure', 'measure func=KEXEC_CMDLINE fowner=7', 'measure func=KEXEC_CMDLINE'].map((rule) => [
      measures(rule, '5.8'),
      measures(rule, '5.9'),
    ]),
    [
      [false, true],
      [true, false],
      [true, true],
    ],
  );
});

test('since 7.3 a line written into the policy is an event of which only the user is looked at', () => {
  const written: PolicyEvent = { func: 'POLICY_CHECK', mask: 0, subject: plainSubject(0, 0) };
  const measures = (rule: string, event: PolicyEvent, release: string): boolean =>
    evaluate(policyOf(`${rule}\n`, debian(release)), event).actions.has('measure');
  assert.equal(measures('measure func=POLICY_CHECK fsmagic=1', written, '7.3'), true);
  assert.equal(measures('measure func=POLICY_CHECK uid=1', written, '7.3'), false);
  assert.equal(measures('measure', written, '7.3'), false);
  assert.equal(measures('measure func=POLICY_CHECK fsmagic=1', { ...written, file: FILE }, '7.3'), false);
});

test('the first match decides its class and no other', () => {
  const policy = policyOf('dont_measure fowner=0\nmeasure\naudit\nappraise func=BPRM_CHECK\nhash\n', NEW);
  const { actions, decisions } = evaluate(policy, READ);
  assert.deepEqual([...actions], ['audit', 'hash']);
  assert.deepEqual(
    ACTION_CLASSES.map((name) => decisions.get(name)?.rule?.line),
    [1, undefined, 3, 5],
  );
});

test('hash in front of appraise is without effect, behind it not', () => {
  assert.deepEqual([...evaluate(policyOf('hash\nappraise\n', NEW), READ).actions], ['appraise']);
  assert.deepEqual([...evaluate(policyOf('appraise\nhash\n', NEW), READ).actions], ['appraise', 'hash']);
});

test('demands add up over the classes, those of dont_ rules too, unless no rule has the action of the class', () => {
  const { demands, algorithms } = evaluate(
    policyOf(
      'dont_measure permit_directio\nmeasure func=BPRM_CHECK\nappraise appraise_type=imasig appraise_algos=sha512\n',
      NEW,
    ),
    READ,
  );
  assert.deepEqual([demands.permitDirectio, demands.signature, demands.blacklist], [true, true, true]);
  assert.deepEqual(algorithms, ['sha512']);
  assert.equal(evaluate(policyOf('dont_measure permit_directio\naudit\n', NEW), READ).demands.permitDirectio, false);
});

test('the blacklist is asked since 6.6 by every signature rule, before only with appraise_flag', () => {
  const asks = (rule: string, minor: number): boolean => {
    const kernel = { ...OPTIONS_6_12, version: { major: 6, minor } };
    return evaluate(policyOf(`${rule}\n`, kernel), { ...READ, func: 'MODULE_CHECK' }).demands.blacklist;
  };
  const plain = 'appraise func=MODULE_CHECK appraise_type=imasig|modsig';
  assert.deepEqual([asks(plain, 5), asks(plain, 6)], [false, true]);
  assert.equal(asks(`${plain} appraise_flag=check_blacklist`, 5), true);
});

test('the result of an appraisal is kept by hook if the rule names a function, else as that of a file', () => {
  const slot = (rule: string, func: PolicyEvent['func']): string | undefined =>
    evaluate(policyOf(`${rule}\n`, NEW), { ...READ, func }).slot;
  assert.equal(slot('appraise', 'BPRM_CHECK'), 'file');
  assert.equal(slot('appraise func=BPRM_CHECK', 'BPRM_CHECK'), 'bprm');
  assert.equal(slot('appraise func=CREDS_CHECK', 'CREDS_CHECK'), 'creds');
  assert.equal(slot('appraise func=MMAP_CHECK_REQPROT', 'MMAP_CHECK_REQPROT'), 'mmap');
  assert.equal(slot('appraise func=FIRMWARE_CHECK', 'FIRMWARE_CHECK'), 'read');
  assert.equal(slot('dont_appraise\nappraise func=FILE_CHECK', 'FILE_CHECK'), undefined);
});

test('pcr=0 means the default PCR for a buffer and PCR 0 for a file', () => {
  assert.equal(evaluate(policyOf('measure pcr=0\n', NEW), READ).pcr, 0);
  const policy = policyOf('measure func=CRITICAL_DATA pcr=0\n', NEW);
  const { actions, pcr } = evaluate(policy, { func: 'CRITICAL_DATA', mask: 0, subject: plainSubject(0, 0), data: 'x' });
  assert.deepEqual([actions.has('measure'), pcr], [true, undefined]);
});

test('what an event does not tell leaves a rule possible, and the next certain one decides', () => {
  const policy = policyOf(
    'dont_measure fsuuid=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\nmeasure obj_type=a\nmeasure\n',
    NEW,
  );
  const { magic, type, subtype, owner, group } = FILE;
  const decision = evaluate(policy, { ...READ, file: { magic, type, subtype, owner, group } }).decisions.get('measure');
  assert.equal(decision?.rule?.line, 3);
  assert.deepEqual(
    decision.possible.map(({ line }) => line),
    [1, 2],
  );
  // Where one condition surely fails, the others need not be known.
  const other = policyOf('dont_measure fowner=9 obj_type=a\nmeasure\n', NEW);
  assert.deepEqual(evaluate(other, READ).decisions.get('measure')?.possible, []);
});

test('an inactive label matches nothing, whatever the event tells', () => {
  const policy = policyOf('measure obj_type=a\naudit\n', OPTIONS_6_12);
  const { decisions } = evaluate(policy, { ...READ, hasLabel: () => true });
  assert.deepEqual(decisions.get('measure'), { possible: [] });
});

test('ima_appraise=off ends appraisal, unless a rule appraises what the kernel loads', () => {
  const off = { appraiseOff: true };
  assert.equal(evaluate(policyOf('appraise\n', NEW, off), READ).actions.size, 0);
  const forced = policyOf('appraise func=POLICY_CHECK appraise_type=imasig\nappraise\n', NEW, off);
  assert.equal(evaluate(forced, READ).actions.has('appraise'), true);
});

test('fail_securely is a demand of every appraisal', () => {
  const policy = policyOf('appraise\n', NEW, { failSecurely: true });
  assert.equal(evaluate(policy, READ).demands.failUnverifiable, true);
});

test('SETXATTR_CHECK rules match no access; the first of them sets the algorithms of labels', () => {
  const rules =
    'appraise func=SETXATTR_CHECK appraise_algos=sha256\nappraise func=SETXATTR_CHECK appraise_algos=sha512\n';
  const policy = policyOf(rules, NEW);
  assert.equal(evaluate(policy, READ).actions.size, 0);
  assert.deepEqual(labelAlgorithms(policy.rules), ['sha256']);
  assert.equal(labelAlgorithms([]), undefined);
});

test('the class that a caller does not ask for is not decided', () => {
  const { decisions } = evaluate(policyOf('measure\nappraise\n', NEW), READ, ['appraise', 'hash']);
  assert.deepEqual([...decisions.keys()], ['appraise']);
});

const rule = fc
  .tuple(
    fc.constantFrom('measure', 'dont_measure', 'appraise', 'dont_appraise', 'audit', 'dont_audit', 'hash', 'dont_hash'),
    fc.subarray(['func=FILE_CHECK', 'mask=^MAY_READ', 'fsmagic=0xef53', 'fowner=0', 'uid>5', 'permit_directio']),
  )
  .map(([action, conditions]) => [action, ...conditions].join(' '));

const anyEvent = fc
  .record({
    func: fc.constantFrom('FILE_CHECK' as const, 'BPRM_CHECK' as const),
    mask: fc.nat(15),
    uid: fc.nat(9),
    owner: fc.nat(1),
  })
  .map(({ func, mask, uid, owner }) => event({ func, mask, subject: plainSubject(uid, 0), file: { owner } }));

test('of each class the first rule that matches alone decides', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 8 }), anyEvent, (rules, given) => {
      const policy = policyOf(rules.map((text) => `${text}\n`).join(''), NEW);
      for (const [name, { rule: decider }] of evaluate(policy, given).decisions) {
        const first = policy.rules.find(
          (one) => one.class === name && one.conditions.every(({ holds }) => holds(given) === true),
        );
        assert.equal(decider?.line, first?.line);
      }
    }),
  );
});

test('a rule behind one of its class that matches everything changes nothing', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 6 }), rule, anyEvent, (rules, added, given) => {
      const [action = ''] = added.split(' ', 1);
      const before = [...rules, action].map((text) => `${text}\n`).join('');
      const shape = (text: string): object => {
        const { decisions, actions, demands, pcr } = evaluate(policyOf(text, NEW), given);
        const lines = [...decisions].map(([name, { rule: decider }]) => [name, decider?.line]);
        return { lines, actions, demands, pcr };
      };
      assert.deepEqual(shape(`${before}${added}\n`), shape(before));
    }),
  );
});
