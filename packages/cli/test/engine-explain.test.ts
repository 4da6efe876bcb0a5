import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { z } from 'zod';
import { assay, assertFails, documentIn, isRoot, scratch } from './assay.ts';
import { Explained, RULES } from './engine-support.ts';

const skip = cannotMount() ?? false;
const LIMIT = { skip, timeout: 200_000 };

test(
  'engine explain says which rule decides, what the label is and what mends it, as the engine then does',
  LIMIT,
  async (t) => {
    using mount = mountExt4();
    const program = join(mount.path, 'program');
    copyFileSync('/bin/true', program);
    const policy = join(scratch(t), 'policy');
    writeFileSync(policy, RULES);
    const explain = async (...words: string[]): Promise<z.infer<typeof Explained>> => {
      const ended = await assay(['engine', 'explain', program, '--policy', policy, ...words, '-o', 'json']);
      const document = Explained.parse(documentIn(ended));
      assert.equal(ended.code, document.result === 'allowed' ? 0 : 1, ended.stderr);
      return document;
    };
    const without = await explain();
    assert.deepEqual([without.result, without.cause, without.label], ['refused', 'missing-hash', 'none']);
    assert.equal(without.next, `assay file hash ${program}`);
    assert.equal((await assay(['file', 'hash', program])).code, 0);
    const labelled = await explain();
    assert.equal(labelled.result, 'allowed');
    assert.match(labelled.label, /^digest sha256:[0-9a-f]{64}$/);
    assert.equal(labelled.entries[0]?.digest, labelled.label.slice('digest '.length));
    const bprm = labelled.hooks.find(({ func }) => func === 'BPRM_CHECK');
    assert.deepEqual(
      bprm?.classes.map(({ rule }) => rule),
      [
        { line: 1, text: 'measure func=BPRM_CHECK' },
        { line: 3, text: 'appraise func=BPRM_CHECK' },
      ],
    );
    assert.deepEqual((await explain('--as', 'read', '--uid', '1000')).entries, []);
    const text = await assay(['engine', 'explain', program, '--policy', policy]);
    assert.match(text.stdout, /^rule +BPRM_CHECK MAY_EXEC: appraised by line 3: appraise func=BPRM_CHECK$/m);
    assert.match(text.stdout, /^result +allowed$/m);
  },
);

test(
  'engine: a policy that has to be signed is taken with the signature that evmctl writes beside it',
  LIMIT,
  async (t) => {
    const directory = scratch(t);
    const [policy, key, certificate] = ['policy', 'key.pem', 'cert.der'].map((name) => join(directory, name));
    assert.ok(policy !== undefined && key !== undefined && certificate !== undefined);
    writeFileSync(policy, RULES);
    const made = await assay(['key', 'generate', '--out', key, '--type', 'rsa2048', '--cert', certificate]);
    assert.equal(made.code, 0, made.stderr);
    const explain = ['engine', 'explain', '/bin/true', '--policy', policy, '--policy-cert', certificate];
    await assertFails(explain, { code: 'LABEL-MISSING', exit: 1 });
    const signed = await assay(['evmctl', 'ima_sign', '--sigfile', '--hashalgo', 'sha256', '--key', key, policy]);
    assert.equal(signed.code, 0, signed.stderr);
    const ended = await assay(explain);
    assert.ok(ended.code === 0 || ended.code === 1, ended.stderr);
    assert.match(ended.stdout, /appraised by line 3/);
    writeFileSync(policy, RULES.replace('appraise', 'dont_appraise'));
    await assertFails(explain, { code: 'IMA-SIG-INVALID', exit: 1 });
  },
);

test('engine: what it is not started with', { skip: isRoot ? false : 'starting an engine needs root' }, async (t) => {
  const directory = scratch(t);
  const policy = join(directory, 'policy');
  writeFileSync(policy, 'measure func=BPRN_CHECK\n');
  chmodSync(policy, 0o600);
  mkdirSync(join(directory, 'empty'));
  const explain = ['engine', 'explain', '/bin/true'];
  await assertFails([...explain, '--policy', policy], { code: 'POLICY-REFUSED', exit: 3 });
  await assertFails([...explain, '--policy', 'builtin:tbc'], { code: 'BUILTIN-NAME', exit: 3 });
  await assertFails([...explain, '--cert', join(directory, 'empty')], { code: 'USAGE', exit: 2 });
  await assertFails([...explain, '--kernel', '4.19'], { code: 'KERNEL-VERSION', exit: 3 });
  await assertFails([...explain, '--master-key', policy], { code: 'USAGE', exit: 2 });
  await assertFails(['engine', 'explain', join(directory, 'none')], { code: 'ENOENT', exit: 3 });
  await assertFails(['engine', 'explain', directory], { code: 'SYSTEM-CALL', exit: 3 });
  await assertFails(['engine', 'status', '--directory', directory], { code: 'ENGINE-UNREACHABLE', exit: 4 });
  await assertFails(['engine', 'mode', 'permissive', '--directory', directory], { code: 'USAGE', exit: 2 });
  await assertFails(['engine', 'pause', '--for', '2d'], { code: 'USAGE', exit: 2 });
  writeFileSync(policy, 'appraise func=BPRM_CHECK\n');
  const updater = [...explain, '--policy', policy, '--updater', '/bin/true'];
  await assertFails(updater, { code: 'LABEL-MISSING', exit: 1 });
});

test('engine doctor says of each hook how well it is stood in for, and of each way past what closes it', async () => {
  const ended = await assay(['engine', 'doctor', '-o', 'json']);
  const Doctor = z.strictObject({
    schema: z.literal('assay.engine-doctor.v1'),
    hooks: z.array(
      z.strictObject({
        func: z.string(),
        coverage: z.enum(['exact', 'approximated', 'start', 'missing']),
        why: z.string(),
        remedy: z.string().optional(),
      }),
    ),
    bpf: z.strictObject({
      active: z.boolean().optional(),
      types: z.boolean(),
      call: z.enum(['works', 'not-permitted', 'missing']),
      possible: z.boolean(),
      sentence: z.string(),
      remedy: z.string().optional(),
    }),
    bypasses: z.array(
      z.strictObject({ name: z.string(), open: z.boolean(), sentence: z.string(), remedy: z.string() }),
    ),
    limits: z.array(z.strictObject({ name: z.string(), sentence: z.string(), remedy: z.string() })).min(1),
    turbo: z.strictObject({
      available: z.boolean(),
      limits: z.array(z.strictObject({ name: z.string(), sentence: z.string() })),
    }),
  });
  const { hooks, bypasses } = Doctor.parse(documentIn(ended));
  assert.equal(new Set(hooks.map(({ func }) => func)).size, 14);
  assert.equal(ended.code, bypasses.some(({ open }) => open) ? 1 : 0);
});
