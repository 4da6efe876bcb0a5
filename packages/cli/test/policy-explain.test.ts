import assert from 'node:assert/strict';
import { chownSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { assay, assertFails, documentIn, isRoot, NOBODY, scratch, UNSAFE, type Ended } from './assay.ts';

const Place = z.strictObject({ line: z.int(), text: z.string() });
const Other = Place.extend({ unmet: z.array(z.strictObject({ wanted: z.string(), found: z.string().optional() })) });
const Id = z.int().min(0);

/** The contract of `assay policy explain -o json`. */
const Explained = z.strictObject({
  schema: z.literal('assay.policy-explain.v1'),
  file: z.string(),
  kernel: z.string(),
  config: z.string(),
  event: z.strictObject({
    func: z.string(),
    mask: z.string(),
    subject: z.strictObject({
      uid: Id,
      euid: Id,
      suid: Id,
      gid: Id,
      egid: Id,
      sgid: Id,
      setuid: z.boolean(),
      setgid: z.boolean(),
    }),
    file: z
      .strictObject({
        owner: Id,
        group: Id,
        type: z.string(),
        subtype: z.string(),
        uuid: z.string(),
        magic: z.string(),
      })
      .partial()
      .optional(),
    data: z.string().optional(),
  }),
  actions: z.array(z.enum(['measure', 'appraise', 'audit', 'hash'])),
  demands: z.record(z.string(), z.boolean()),
  slot: z.string().optional(),
  algorithms: z.array(z.string()).optional(),
  pcr: z.int().optional(),
  template: z.string().optional(),
  classes: z.array(
    z.strictObject({
      class: z.string(),
      sentence: z.string(),
      rule: Place.optional(),
      possible: z.array(Other),
      late: z.array(Place),
      near: z.array(Other),
    }),
  ),
});

function explained(ended: Ended): z.infer<typeof Explained> {
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  return Explained.parse(documentIn(ended));
}

const EXPLAIN = ['policy', 'explain'];

test('policy explain takes the facts of a file that exists, and options override them', async (t) => {
  const directory = scratch(t);
  const path = `${directory}/file`;
  writeFileSync(path, '');
  if (isRoot) chownSync(path, NOBODY, 7);
  const { uid, gid } = statSync(path);
  const args = [...EXPLAIN, 'builtin:tcb|appraise_tcb', '--path', path, '--kernel', '6.12', '-o', 'json'];
  const { event } = explained(await assay(args));
  assert.deepEqual(
    [event.func, event.mask, event.file?.owner, event.file?.group],
    ['FILE_CHECK', 'MAY_READ', uid, gid],
  );
  assert.equal(event.file?.magic, `0x${statfsSync(path).type.toString(16)}`);
  assert.ok((event.file?.type ?? '') !== '');
  const other = explained(
    await assay([
      ...args,
      '--owner',
      '0',
      '--group',
      '9',
      '--fsmagic',
      'EF53',
      '--fsname',
      'fuse.sshfs',
      '--fsuuid',
      '0A1B2C3D-4e5f-6071-8293-a4b5c6d7e8f9',
      '--uid',
      '1000',
      '--mask',
      'MAY_READ|MAY_WRITE',
    ]),
  );
  assert.deepEqual(other.event.file, {
    owner: 0,
    group: 9,
    magic: '0xef53',
    type: 'fuse',
    subtype: 'sshfs',
    uuid: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
  });
  assert.deepEqual([other.event.mask, other.event.subject.setuid], ['MAY_WRITE|MAY_READ', false]);
  assert.deepEqual(other.actions, ['appraise']);
});

test('policy explain says which rule decides, and why the nearest do not match', async () => {
  const ended = await assay([
    ...EXPLAIN,
    'builtin:tcb',
    '--func',
    'BPRM_CHECK',
    '--uid',
    '1000',
    '--kernel',
    '6.12',
    '--fsmagic',
    '0xef53',
    '--fsname',
    'ext4',
    '--owner',
    '0',
  ]);
  assert.equal(ended.code, 0);
  assert.match(ended.stdout, /^builtin:tcb on Linux 6\.12 \(debian\)\nBPRM_CHECK MAY_EXEC by uid 1000, /);
  assert.match(ended.stdout, /\nmeasure: measured by line 15\n {2}measure func=BPRM_CHECK mask=MAY_EXEC\n/);
  assert.match(ended.stdout, / {4}wants func=MMAP_CHECK, and it is BPRM_CHECK\n/);
});

test('policy explain answers for keys and critical data, which come without a file', async () => {
  const args = [...EXPLAIN, 'builtin:critical_data', '--kernel', '6.12', '-o', 'json', '--func'];
  const data = explained(await assay([...args, 'CRITICAL_DATA', '--data', 'selinux']));
  assert.deepEqual([data.actions, data.event.file, data.event.data], [['measure'], undefined, 'selinux']);
  const key = explained(await assay([...args, 'KEY_CHECK', '--data', '.ima']));
  assert.deepEqual(key.actions, []);
  await assertFails([...EXPLAIN, 'builtin:tcb', '--func', 'KEY_CHECK'], { code: 'USAGE', exit: 2 });
});

test('policy explain leaves open what depends on a label that nobody tells, and takes those that are told', async (t) => {
  const directory = scratch(t);
  writeFileSync(`${directory}/config`, 'CONFIG_IMA=y\nCONFIG_IMA_LSM_RULES=y\nCONFIG_LSM="selinux"\n');
  writeFileSync(`${directory}/policy`, 'dont_measure obj_type=log_t\nmeasure\n');
  const args = [...EXPLAIN, `${directory}/policy`, '--kernel', '6.12', '--config', `${directory}/config`, '-o', 'json'];
  const [open] = explained(await assay(args)).classes;
  assert.deepEqual([open?.rule?.line, open?.possible[0]?.line], [2, 1]);
  const [told] = explained(await assay([...args, '--label', 'obj_type=log_t'])).classes;
  assert.equal(told?.sentence, 'not measured: line 1 excepts it');
  const [other] = explained(await assay([...args, '--label', 'obj_type=bin_t'])).classes;
  assert.deepEqual([other?.rule?.line, other?.possible], [2, []]);
});

test('policy explain knows the rules that the kernel keeps in front where Secure Boot is on', async (t) => {
  const directory = scratch(t);
  writeFileSync(`${directory}/policy`, 'measure func=BPRM_CHECK\n');
  const args = [...EXPLAIN, `${directory}/policy`, '--func', 'MODULE_CHECK', '--kernel', '6.12', '-o', 'json'];
  assert.deepEqual(explained(await assay(args)).actions, []);
  const kept = explained(await assay([...args, '--secure-boot']));
  assert.deepEqual(kept.classes[0]?.rule, { line: 0, text: 'measure func=MODULE_CHECK' });
});

test('policy explain: a policy that the kernel refuses, and names that do not exist', async (t) => {
  const path = `${scratch(t)}/policy`;
  writeFileSync(path, 'measure\nmeasure func=NONE\n');
  const { stderr } = await assertFails([...EXPLAIN, path, '--kernel', '6.12'], { code: 'POLICY-REFUSED', exit: 3 });
  assert.match(stderr, /line 2: /);
  await assertFails([...EXPLAIN, 'builtin:tbc'], { code: 'BUILTIN-NAME', exit: 3 });
  await assertFails([...EXPLAIN, `${path}.none`], { code: 'ENOENT', exit: 3 });
  for (const wrong of [
    ['--func', 'EXEC'],
    ['--func', 'SETXATTR_CHECK'],
    ['--mask', 'READ'],
    ['--uid', '-1'],
    ['--uid', '4294967295'],
    ['--fsmagic', 'ext4'],
    ['--fsuuid', '1'],
    ['--label', 'type=x'],
  ])
    await assertFails([...EXPLAIN, 'builtin:tcb', ...wrong], { code: 'USAGE', exit: 2 });
});

test('policy explain does nothing to a terminal, whatever names hold', async (t) => {
  const path = `${scratch(t)}/policy`;
  writeFileSync(path, 'measure fsname=\u{1b}[2J\u{202e}\n');
  for (const format of ['text', 'json']) {
    const ended = await assay([...EXPLAIN, path, '--fsname', '\u{9b}2J', '--kernel', '6.12', '-o', format]);
    assert.equal(ended.code, 0);
    assert.ok(!UNSAFE.test(ended.stdout), ended.stdout);
  }
});

test('policy show-builtin prints what the kernel would, by version, configuration and command line', async (t) => {
  const show = ['policy', 'show-builtin'];
  const text = await assay([...show, 'root=/dev/vda ima_policy=critical_data ro', '--kernel', '6.12']);
  assert.deepEqual(text, { code: 0, stdout: 'measure func=CRITICAL_DATA\n', stderr: '' });
  const config = `${scratch(t)}/config`;
  writeFileSync(config, 'CONFIG_IMA=y\nCONFIG_IMA_ARCH_POLICY=y\n');
  const args = ['--kernel', '6.12', '--config', config, '--secure-boot', '-o', 'json'];
  const document = documentIn(await assay([...show, 'fail_securely', ...args]));
  assert.deepEqual(document, {
    schema: 'assay.policy-builtin.v1',
    name: 'fail_securely',
    kernel: '6.12',
    config,
    secureBoot: true,
    failSecurely: true,
    rules: [
      { line: 1, text: 'appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig' },
      { line: 2, text: 'measure func=KEXEC_KERNEL_CHECK' },
      { line: 3, text: 'appraise func=MODULE_CHECK appraise_type=imasig' },
      { line: 4, text: 'measure func=MODULE_CHECK' },
    ],
  });
  await assertFails([...show, 'x'], { code: 'BUILTIN-NAME', exit: 3 });
  await assertFails([...show, 'tcb', '--kernel', '4.4'], { code: 'KERNEL-VERSION', exit: 3 });
});

test('what policy show-builtin prints is accepted by policy check', async (t) => {
  const path = `${scratch(t)}/policy`;
  const { stdout } = await assay(['policy', 'show-builtin', 'tcb|appraise_tcb|secure_boot', '--kernel', '7.2']);
  writeFileSync(path, stdout);
  assert.equal((await assay(['policy', 'check', path, '--kernel', '7.2', '--config', 'debian'])).code, 0);
});
