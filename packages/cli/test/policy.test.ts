import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { assay, assertFails, documentIn, ROOT, scratch, UNSAFE, type Ended } from './assay.ts';

const VECTORS = `${ROOT}packages/core/test/vectors/policy`;

/** The contract of `assay policy check -o json`. */
const Checked = z.strictObject({
  schema: z.literal('assay.policy-check.v1'),
  file: z.string(),
  kernel: z.string().regex(/^\d+\.\d+$/),
  config: z.string(),
  options: z.strictObject({
    appraise: z.boolean(),
    modsig: z.boolean(),
    keyMeasurement: z.boolean(),
    labels: z.enum(['none', 'selinux', 'smack', 'apparmor']),
    algorithms: z.array(z.string()),
    writePolicy: z.boolean(),
  }),
  accepted: z.boolean(),
  rules: z.array(
    z.discriminatedUnion('accepted', [
      z.strictObject({ line: z.int(), text: z.string(), accepted: z.literal(true) }),
      z.strictObject({
        line: z.int(),
        text: z.string(),
        accepted: z.literal(false),
        column: z.int(),
        code: z.string().startsWith('RULE-'),
        message: z.string().min(1),
      }),
    ]),
  ),
  lint: z.array(
    z.strictObject({
      line: z.int(),
      column: z.int(),
      code: z.string().startsWith('LINT-'),
      severity: z.enum(['warning', 'note']),
      message: z.string().min(1),
      fix: z.string().optional(),
      safe: z.boolean().optional(),
    }),
  ),
  load: z.array(
    z.strictObject({
      line: z.int(),
      code: z.string().startsWith('POLICY-'),
      bars: z.enum(['path', 'text', 'both']),
      message: z.string(),
    }),
  ),
});

function checked(ended: Ended): z.infer<typeof Checked> {
  assert.equal(ended.stderr, '');
  return Checked.parse(documentIn(ended));
}

function policyFile(t: Pick<TestContext, 'after'>, content: string | Uint8Array): string {
  const path = `${scratch(t)}/policy`;
  writeFileSync(path, content);
  return path;
}

const GOOD = '# what runs\nmeasure func=BPRM_CHECK\n\ndont_measure fsmagic=0x9fa0\n';
const MIXED = 'measure func=BPRM_CHECK\nappraise appraise_type=sigv3\n  measure uid=0 euid=0\n';

for (const release of ['6.1', '6.12', '7.2']) {
  test(`policy check gives the verdicts that Debian's ${release} gave`, async (t) => {
    const rows = readFileSync(`${VECTORS}/debian-${release}.tsv`, 'utf8').split('\n');
    const recorded = rows.flatMap((row) => {
      const [said = '', rule = ''] = row.split(/\t(.*)/s, 2);
      return /^[ \t]*(#|$)/.test(rule) ? [] : [{ said, rule }];
    });
    const path = policyFile(t, recorded.map(({ rule }) => `${rule}\n`).join(''));
    const ended = await assay(['policy', 'check', path, '--kernel', release, '--config', 'debian', '-o', 'json']);
    const { kernel, config, accepted, rules } = checked(ended);
    assert.deepEqual(
      { code: ended.code, kernel, config, accepted },
      { code: 1, kernel: release, config: 'debian', accepted: false },
    );
    assert.deepEqual(
      rules.map((rule) => rule.accepted),
      recorded.map(({ said }) => said === 'ok'),
    );
  });
}

test('policy check: every rule accepted is exit code 0', async (t) => {
  const path = policyFile(t, GOOD);
  const text = await assay(['policy', 'check', path, '--kernel', '6.12']);
  assert.deepEqual(text, { code: 0, stdout: `${path}: Linux 6.12 (debian) accepts 2 of 2 rules\n`, stderr: '' });
  const document = checked(await assay(['policy', 'check', path, '--kernel', '6.12', '-o', 'json']));
  assert.deepEqual([document.accepted, document.load, document.lint], [true, [], []]);
  assert.deepEqual(document.rules, [
    { line: 2, text: 'measure func=BPRM_CHECK', accepted: true },
    { line: 4, text: 'dont_measure fsmagic=0x9fa0', accepted: true },
  ]);
});

test('policy check: a refused rule is exit code 1, with place and reason, and depends on the kernel', async (t) => {
  const path = policyFile(t, MIXED);
  const { code, stdout, stderr } = await assay(['policy', 'check', path, '--kernel', '6.12']);
  assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
  assert.match(stdout, /accepts 1 of 3 rules\n/);
  assert.match(
    stdout,
    / {2}line 2, column 10: RULE-KERNEL-VERSION .*needs Linux 7\.1\n {4}appraise appraise_type=sigv3\n/,
  );
  assert.match(stdout, / {2}line 3, column 17: RULE-REPEATED uid and euid share one slot/);
  const { rules } = checked(await assay(['policy', 'check', path, '--kernel', '7.2', '-o', 'json']));
  assert.deepEqual(
    rules.map(({ accepted }) => accepted),
    [true, true, false],
  );
});

test('policy check: what is accepted and still a mistake is said, and leaves the exit code 0', async (t) => {
  const path = policyFile(
    t,
    'measure func=FILE_CHECK mask=MAY_READ uid=0\ndont_measure func=FILE_CHECK mask=MAY_READ uid=0\n',
  );
  const text = await assay(['policy', 'check', path, '--kernel', '6.12']);
  assert.equal(text.code, 0);
  assert.match(
    text.stdout,
    / {2}line 1, column 25: LINT-MASK-EXACT .*\n {4}better: measure func=FILE_CHECK mask=\^MAY_READ uid=0\n/,
  );
  const ended = await assay(['policy', 'check', path, '--kernel', '6.12', '-o', 'json']);
  assert.equal(ended.code, 0);
  assert.deepEqual(
    checked(ended).lint.map(({ line, code }) => `${line} ${code}`),
    ['1 LINT-PSEUDO', '1 LINT-EXCESS', '1 LINT-MASK-EXACT', '2 LINT-UNREACHED', '2 LINT-MASK-EXACT'],
  );
});

test('policy check: what bars one way of loading is told, and what bars both is exit code 1', async (t) => {
  const path = policyFile(t, 'measure');
  const ended = await assay(['policy', 'check', path, '--kernel', '6.12', '-o', 'json']);
  const { accepted, rules, load } = checked(ended);
  assert.deepEqual([ended.code, accepted, rules[0]?.accepted, load[0]?.code], [0, true, true, 'POLICY-LAST-NEWLINE']);
  const text = await assay(['policy', 'check', policyFile(t, '# nothing\n'), '--kernel', '6.12']);
  assert.equal(text.code, 1);
  assert.match(text.stdout, / {2}line 1: POLICY-EMPTY /);
});

test('policy check takes the options of a kernel from its configuration, plain or compressed', async (t) => {
  const directory = scratch(t);
  const config = 'CONFIG_IMA=y\nCONFIG_IMA_APPRAISE_MODSIG=y\n';
  writeFileSync(`${directory}/config`, config);
  writeFileSync(`${directory}/config.gz`, gzipSync(config));
  const path = policyFile(t, 'appraise func=MODULE_CHECK appraise_type=imasig|modsig\n');
  const args = ['policy', 'check', path, '--kernel', '6.12', '-o', 'json'];
  assert.equal((await assay(args)).code, 1);
  for (const name of ['config', 'config.gz']) {
    const ended = await assay([...args, '--config', `${directory}/${name}`]);
    assert.deepEqual([ended.code, checked(ended).config], [0, `${directory}/${name}`]);
  }
});

test('policy check takes the options of a kernel as a list, and names a word of it that is none', async (t) => {
  const path = policyFile(t, 'appraise func=MODULE_CHECK appraise_type=imasig|modsig\n');
  const args = ['policy', 'check', path, '--kernel', '6.12', '--config'];
  assert.equal((await assay([...args, 'debian,modsig'])).code, 0);
  const { stderr } = await assertFails([...args, 'debian,modsgi'], { code: 'USAGE', exit: 2 });
  assert.match(stderr, /--config debian,modsgi: a list has debian, modsig, .*, not modsgi\b/);
});

test('policy check without --kernel asks the running kernel', async (t) => {
  const [, version] = /^(\d+\.\d+)/.exec(readFileSync('/proc/sys/kernel/osrelease', 'utf8')) ?? [];
  const ended = await assay(['policy', 'check', policyFile(t, GOOD), '-o', 'json']);
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(checked(ended).kernel, version);
});

type Unreadable = readonly [what: string, content: string | Uint8Array, place: RegExp];

const UNREADABLE: readonly Unreadable[] = [
  ['a NUL', 'measure\n audit\0\n', /line 2, column 7: a NUL/],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from('# \u{fffd}\n# é x'), Uint8Array.of(0xff, 0x0a)]),
    /line 2, column 6: not UTF-8/,
  ],
  ['a character cut off at the end', Uint8Array.of(0x23, 0xc3), /line 1, column 2: not UTF-8/],
];

for (const [what, content, place] of UNREADABLE) {
  test(`policy check and format: ${what} is exit code 3, with line and column`, async (t) => {
    const path = policyFile(t, content);
    const { stderr } = await assertFails(['policy', 'check', path], { code: 'POLICY-TEXT', exit: 3 });
    assert.match(stderr, place);
    const { code, stdout } = await assay(['policy', 'format', path]);
    assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
  });
}

test('policy check: what is no policy file, kernel or configuration is exit code 3', async (t) => {
  const path = policyFile(t, GOOD);
  const directory = scratch(t);
  mkdirSync(`${directory}/d`);
  writeFileSync(`${directory}/config`, 'CONFIG_IMA=m\n');
  writeFileSync(`${directory}/bad.gz`, Uint8Array.of(0x1f, 0x8b, 8, 0));
  const check = ['policy', 'check'];
  await assertFails([...check, `${directory}/none`], { code: 'ENOENT', exit: 3 });
  await assertFails([...check, `${directory}/d`], { code: 'INPUT-FILE', exit: 3 });
  for (const version of ['6', '4.19', '9.0'])
    await assertFails([...check, path, '--kernel', version], { code: 'KERNEL-VERSION', exit: 3 });
  for (const name of ['config', 'bad.gz'])
    await assertFails([...check, path, '--config', `${directory}/${name}`], { code: 'KERNEL-CONFIG', exit: 3 });
  await assertFails([...check, path, '--config', `${directory}/none`], { code: 'ENOENT', exit: 3 });
});

test('policy check does nothing to a terminal, whatever the policy holds', async (t) => {
  const path = policyFile(t, 'measure \u{1b}[2J\u{202e}\nmeasure fsname=\u{9b}\u{2028}\r\n');
  for (const format of ['text', 'json']) {
    const { code, stdout } = await assay(['policy', 'check', path, '--kernel', '6.12', '-o', format]);
    assert.equal(code, 1);
    assert.ok(!UNSAFE.test(stdout));
  }
});

test('policy format evens the spacing, keeps comments, and changes nothing the second time', async (t) => {
  const path = policyFile(t, '  # é\n\nmeasure\tfunc=BPRM_CHECK   # why  \nbogus   line');
  const { code, stdout, stderr } = await assay(['policy', 'format', path]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.equal(stdout, '# é\n\nmeasure func=BPRM_CHECK   # why\nbogus line\n');
  assert.equal((await assay(['policy', 'format', policyFile(t, stdout)])).stdout, stdout);
});
