import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setXattr } from '@assay/linux/xattr';
import { z } from 'zod';
import { assay, assertFails, documentIn, isRoot, scratch, UNSAFE, type Ended } from './assay.ts';

const Number0 = z.number().min(0);
const Counts = { files: Number0, measured: Number0, appraised: Number0, refused: Number0, bytes: Number0 };
const Refusal = z.strictObject({
  assumption: z.string(),
  func: z.string(),
  uid: z.int(),
  line: z.int(),
  cause: z.string(),
});
const Refused = z.strictObject({ path: z.string(), label: z.string(), refusals: z.array(Refusal).min(1) });

/** The contract of `assay policy simulate -o json`. */
const Simulated = z.strictObject({
  schema: z.literal('assay.policy-simulate.v1'),
  policy: z.string(),
  root: z.string(),
  kernel: z.string(),
  config: z.string(),
  users: z.array(z.int()),
  template: z.string(),
  verify: z.boolean(),
  assumptions: z.array(z.strictObject({ name: z.string(), text: z.string().min(1), ...Counts })),
  files: Number0,
  measured: z.strictObject({ files: Number0, entries: Number0, listBytes: Number0, kernelBytes: Number0 }),
  appraised: z.strictObject({ files: Number0, labels: z.record(z.string(), Number0) }),
  refused: z.strictObject({ files: Number0, causes: z.record(z.string(), Number0) }),
  bytes: Number0,
  audited: Number0,
  hashed: Number0,
  uncertain: Number0,
  directories: z.array(z.strictObject({ path: z.string(), ...Counts })),
  refusedFiles: z.array(Refused),
  unreadable: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
});

function simulated(ended: Ended): z.infer<typeof Simulated> {
  assert.equal(ended.stderr, '');
  return Simulated.parse(documentIn(ended));
}

/** bin/: an ELF program with two names, a script and a link to it; lib/: a shared object and a text; a module. */
function tree(t: TestContext): string {
  const root = `${scratch(t)}/tree`;
  for (const directory of ['bin', 'lib/modules/6.12', 'etc']) mkdirSync(`${root}/${directory}`, { recursive: true });
  copyFileSync('/bin/true', `${root}/bin/true`);
  linkSync(`${root}/bin/true`, `${root}/bin/again`);
  writeFileSync(`${root}/bin/script`, '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('script', `${root}/bin/link`);
  writeFileSync(`${root}/lib/libx.so.1`, '\u007fELF and more');
  writeFileSync(`${root}/lib/text.so`, 'INPUT(libx.so.1)\n');
  writeFileSync(`${root}/lib/modules/6.12/m.ko`, 'module');
  writeFileSync(`${root}/etc/passwd`, 'root\n');
  return root;
}

function policy(t: TestContext, text: string): string {
  const path = `${scratch(t)}/policy`;
  writeFileSync(path, text);
  return path;
}

const KERNEL = ['--kernel', '6.12', '--config', 'debian'];

test('policy simulate counts each file once, under what is taken to happen to it', async (t) => {
  const root = tree(t);
  const rules = 'measure func=BPRM_CHECK\nmeasure func=MMAP_CHECK\nmeasure func=MODULE_CHECK pcr=11\n';
  const ended = await assay(['policy', 'simulate', policy(t, rules), '--root', root, ...KERNEL, '-o', 'json']);
  const { files, measured, assumptions, refused, directories, users } = simulated(ended);
  assert.equal(ended.code, 0);
  assert.deepEqual([files, measured.files, measured.entries, refused.files], [6, 4, 4, 0]);
  assert.deepEqual(
    assumptions.map((one) => [one.name, one.measured]),
    [
      ['exec', 2],
      ['mmap', 1],
      ['modules', 1],
      ['firmware', 0],
      ['read-root', 0],
      ['read-user', 0],
    ],
  );
  assert.deepEqual(users, [0, 1000]);
  const counted = directories.map((one) => `${one.path.slice(root.length)} ${one.files} ${one.measured}`);
  assert.deepEqual(counted.toSorted(), ['/bin 2 2', '/etc 1 0', '/lib 2 1', '/lib/modules 1 1']);
});

test('policy simulate: a file that enforce would refuse is exit code 1, with the rule and the cause', async (t) => {
  const root = tree(t);
  const rules =
    'dont_appraise func=MODULE_CHECK\nappraise func=BPRM_CHECK\nappraise func=FILE_CHECK mask=MAY_READ uid=1000\n';
  const args = ['policy', 'simulate', policy(t, rules), '--root', root, ...KERNEL, '--assume', 'exec'];
  const ended = await assay([...args, '-o', 'json']);
  const { refusedFiles, refused, appraised, measured } = simulated(ended);
  assert.equal(ended.code, 1);
  assert.deepEqual(
    [refused, appraised],
    [
      { files: 2, causes: { 'missing-hash': 2 } },
      { files: 2, labels: { none: 2 } },
    ],
  );
  assert.equal(measured.files, 0);
  assert.deepEqual(refusedFiles[0]?.refusals, [
    { assumption: 'exec', func: 'BPRM_CHECK', uid: 0, line: 2, cause: 'missing-hash' },
  ]);
  const text = await assay(args);
  assert.equal(text.code, 1);
  assert.match(
    text.stdout,
    /\nrefused {4}2 files: ima_appraise=enforce would refuse them\n {11}2 missing-hash: no label\n/,
  );
  assert.match(text.stdout, /\/bin\/script\n {2}missing-hash \(label: none\), line 2: BPRM_CHECK by uid 0 \(exec\)\n/);
  assert.match(text.stdout, /\n {2}exec +0 +2 +2 .*every executable file is executed by each user/);
  const lines = (await assay([...args, '-o', 'jsonl'])).stdout.trimEnd().split('\n');
  const kinds = lines.map((line) => z.looseObject({ kind: z.string() }).parse(JSON.parse(line)).kind);
  assert.deepEqual(kinds, ['refused', 'refused', 'summary']);
});

test('policy simulate takes labels for good, and with --verify compares digests with the content', {
  skip: isRoot ? false : 'security.ima can be set by root alone',
}, async (t) => {
  const root = tree(t);
  const label = (content: string): Buffer =>
    Buffer.concat([Buffer.of(4, 4), createHash('sha256').update(content).digest()]);
  setXattr(Buffer.from(`${root}/bin/script`), 'security.ima', label('#!/bin/sh\n'));
  setXattr(Buffer.from(`${root}/etc/passwd`), 'security.ima', label('evil'));
  const args = ['policy', 'simulate', policy(t, 'appraise\n'), '--root', root, ...KERNEL, '-o', 'json'];
  const trusted = simulated(await assay(args));
  assert.deepEqual([trusted.refused.causes, trusted.appraised.labels], [{ 'missing-hash': 4 }, { none: 4, digest: 2 }]);
  const compared = simulated(await assay([...args, '--verify']));
  assert.deepEqual(compared.refused.causes, { 'missing-hash': 4, 'invalid-hash': 1 });
  const wrong = compared.refusedFiles.find(({ refusals }) => refusals[0]?.cause === 'invalid-hash');
  assert.equal(wrong?.path, `${root}/etc/passwd`);
});

test('policy simulate on several threads counts every file, those of many names once', async (t) => {
  const root = tree(t);
  for (let number = 0; number < 200; number++) {
    mkdirSync(`${root}/many/${number}`, { recursive: true });
    writeFileSync(`${root}/many/${number}/f`, '', { mode: number % 2 === 0 ? 0o755 : 0o644 });
    linkSync(`${root}/bin/true`, `${root}/many/${number}/true`);
  }
  const path = policy(t, 'measure func=BPRM_CHECK\nappraise fowner>0\naudit func=FILE_CHECK\n');
  const args = ['policy', 'simulate', path, '--root', root, ...KERNEL, '-o', 'json'];
  const { files, measured, audited } = simulated(await assay(args));
  assert.deepEqual([files, measured.files, audited], [206, 102, 206]);
});

test('policy simulate answers for built-in policies, and names what it cannot look at', async (t) => {
  const root = tree(t);
  const ended = await assay([
    'policy',
    'simulate',
    'builtin:tcb',
    '--root',
    root,
    ...KERNEL,
    '--users',
    '0',
    '-o',
    'json',
  ]);
  const { policy: name, measured, kernel, template, unreadable } = simulated(ended);
  assert.deepEqual([ended.code, name, kernel, template, unreadable], [0, 'builtin:tcb', '6.12', 'ima-sig', []]);
  assert.equal(measured.entries, 6);
  assert.ok(measured.kernelBytes > measured.listBytes);
});

test('policy simulate: wrong roots, assumptions and policies', async (t) => {
  const simulate = ['policy', 'simulate', 'builtin:tcb'];
  const root = scratch(t);
  await assertFails(simulate, { code: 'USAGE', exit: 2 });
  await assertFails([...simulate, '--root', `${root}/none`], { code: 'ENOENT', exit: 3 });
  await assertFails([...simulate, '--root', root, '--assume', 'exec,write'], { code: 'USAGE', exit: 2 });
  await assertFails([...simulate, '--root', root, '--users', 'root'], { code: 'USAGE', exit: 2 });
  await assertFails([...simulate, '--root', root, '--depth', 'x'], { code: 'USAGE', exit: 2 });
  const refused = policy(t, 'measure func=X\n');
  await assertFails(['policy', 'simulate', refused, '--root', root], { code: 'POLICY-REFUSED', exit: 3 });
});

test('policy simulate does nothing to a terminal, whatever names are in the tree', async (t) => {
  const root = tree(t);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0a])]), '');
  mkdirSync(`${root}/\u{202e}`);
  writeFileSync(`${root}/\u{202e}/f`, '');
  for (const format of ['text', 'json', 'jsonl']) {
    const args = ['policy', 'simulate', policy(t, 'appraise\n'), '--root', root, ...KERNEL, '-o', format];
    const { code, stdout } = await assay(args);
    assert.equal(code, 1);
    assert.ok(!UNSAFE.test(stdout), stdout);
  }
});
