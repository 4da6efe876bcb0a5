import assert from 'node:assert/strict';
import { chownSync, chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fixPolicy, parsePolicy, printPolicy, type KernelProfile } from '@assay/core/policy';
import { policyRule } from '@assay/testkit/policy';
import fc from 'fast-check';
import { z } from 'zod';
import { policyDiff } from '../src/policy/diff.ts';
import { assay, documentIn, isRoot, NOBODY, scratch, UNSAFE } from './assay.ts';

const BEFORE =
  '# x\nmeasure func=FILE_MMAP mask=MAY_EXEC\n\n\n\n\n\n\nhash\nhash uid=4 # gone\nappraise  bogus\nhash uid=5';
const AFTER = '# x\nmeasure func=MMAP_CHECK mask=MAY_EXEC\n\n\n\n\n\n\nhash\n# gone\nappraise  bogus\n';
const DIFF = `@@ -1,5 +1,5 @@
 # x
-measure func=FILE_MMAP mask=MAY_EXEC
+measure func=MMAP_CHECK mask=MAY_EXEC
 
 
 
@@ -7,6 +7,5 @@
 
 
 hash
-hash uid=4 # gone
+# gone
 appraise  bogus
-hash uid=5
\\ No newline at end of file
`;
const KERNEL = ['--kernel', '7.2', '--config', 'debian'];

test('policy check --fix --dry-run prints the difference and changes nothing; its exit code is that of the fixed policy', async (t) => {
  const directory = scratch(t);
  writeFileSync(`${directory}/policy`, BEFORE);
  const { code, stdout, stderr } = await assay(['policy', 'check', 'policy', ...KERNEL, '--fix', '--dry-run'], {
    cwd: directory,
  });
  assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: `--- policy\n+++ policy\n${DIFF}`, stderr: '' });
  assert.equal(readFileSync(`${directory}/policy`, 'utf8'), BEFORE);
});

test('policy check --fix replaces the file behind a link, with its mode and owner, and says what it mended', async (t) => {
  const directory = scratch(t);
  const file = `${directory}/policy`;
  writeFileSync(file, BEFORE);
  chmodSync(file, 0o640);
  if (isRoot) chownSync(file, NOBODY, NOBODY);
  symlinkSync('policy', `${directory}/link`);
  const before = statSync(file);
  const args = ['policy', 'check', `${directory}/link`, ...KERNEL, '--fix'];
  const ended = await assay([...args, '-o', 'json']);
  assert.equal(ended.code, 1);
  const { fixed, rules } = documentIn(ended);
  assert.deepEqual(z.array(z.object({ line: z.int(), code: z.string() })).parse(fixed), [
    { line: 2, code: 'LINT-OLD-NAME' },
    { line: 10, code: 'LINT-UNREACHED' },
    { line: 12, code: 'LINT-UNREACHED' },
  ]);
  assert.deepEqual(
    z
      .array(z.object({ line: z.int() }))
      .parse(rules)
      .map(({ line }) => line),
    [2, 9, 11],
  );
  assert.equal(readFileSync(file, 'utf8'), AFTER);
  const { mode, uid, gid } = statSync(file);
  assert.deepEqual([mode, uid, gid], [before.mode, before.uid, before.gid]);
  assert.deepEqual(readdirSync(directory).toSorted(), ['link', 'policy']);
  const { ino } = statSync(file);
  const again = await assay(args);
  assert.doesNotMatch(again.stdout, /mended/);
  assert.equal(statSync(file).ino, ino, 'nothing to mend, and yet replaced');
  assert.equal(readFileSync(file, 'utf8'), AFTER);
});

test('--dry-run without --fix, or as a document, is wrong usage', async (t) => {
  const file = `${scratch(t)}/policy`;
  writeFileSync(file, BEFORE);
  for (const more of [['--dry-run'], ['--dry-run', '--fix', '-o', 'sarif']]) {
    const { code, stdout, stderr } = await assay(['policy', 'check', file, ...more]);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^error USAGE: --dry-run shows/);
  }
});

/** What SARIF 2.1.0 requires of a log with one run of one tool, and no member that it does not have. */
const Region = z.strictObject({
  startLine: z.int().min(1),
  startColumn: z.int().min(1).optional(),
  endColumn: z.int().min(1).optional(),
});
const Message = z.strictObject({ text: z.string().min(1), markdown: z.string().optional() });
const Artifact = z.strictObject({ uri: z.string().min(1) });
const Sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          version: z.string().min(1),
          rules: z.array(z.strictObject({ id: z.string(), shortDescription: Message, help: Message })),
        }),
      }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      artifacts: z.array(z.strictObject({ location: Artifact, encoding: z.literal('UTF-8') })),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level: z.enum(['none', 'note', 'warning', 'error']),
          message: Message,
          locations: z.array(
            z.strictObject({ physicalLocation: z.strictObject({ artifactLocation: Artifact, region: Region }) }),
          ),
          fixes: z
            .array(
              z.strictObject({
                description: Message,
                artifactChanges: z.array(
                  z.strictObject({
                    artifactLocation: Artifact,
                    replacements: z
                      .array(
                        z.strictObject({
                          deletedRegion: Region,
                          insertedContent: z.strictObject({ text: z.string() }),
                        }),
                      )
                      .min(1),
                  }),
                ),
              }),
            )
            .optional(),
        }),
      ),
    }),
  ]),
});

test('policy check -o sarif is a log of SARIF 2.1.0: refused rules and lints with their places, rules and fixes', async (t) => {
  const directory = scratch(t);
  const file = 'my policy\u{1b}';
  writeFileSync(`${directory}/${file}`, BEFORE);
  const { code, stdout } = await assay(['policy', 'check', file, ...KERNEL, '-o', 'sarif'], { cwd: directory });
  assert.equal(code, 1);
  assert.ok(!UNSAFE.test(stdout));
  const [{ tool, results, artifacts }] = Sarif.parse(JSON.parse(stdout)).runs;
  assert.equal(artifacts[0]?.location.uri, 'my%20policy%1B');
  assert.deepEqual(
    results.map(({ ruleId, level, locations }) => [ruleId, level, locations[0]?.physicalLocation.region.startLine]),
    [
      ['RULE-WORD', 'error', 11],
      ['POLICY-LAST-NEWLINE', 'warning', 12],
      ['LINT-OLD-NAME', 'note', 2],
      ['LINT-UNREACHED', 'warning', 10],
      ['LINT-UNREACHED', 'warning', 12],
    ],
  );
  for (const { ruleId, ruleIndex } of results) assert.equal(tool.driver.rules[ruleIndex]?.id, ruleId);
  for (const { id, help } of tool.driver.rules)
    assert.ok(help.markdown?.includes(`(docs/codes.md#${id.toLowerCase()})`));
  assert.deepEqual(results[2]?.fixes?.[0]?.artifactChanges[0]?.replacements, [
    {
      deletedRegion: { startLine: 2, startColumn: 1, endColumn: 37 },
      insertedContent: { text: 'measure func=MMAP_CHECK mask=MAY_EXEC' },
    },
  ]);
});

/** What patch(1) does with one file; a NUL ends a line that has no newline. */
function patched(text: string, diff: string): string {
  const lines = text.split(/(?<=\n)/);
  const parts = diff.replaceAll('\n\\ No newline at end of file\n', '\0').split(/^@@ -(\d+),(\d+) \+\d+,\d+ @@\n/m);
  const out: string[] = [];
  let at = 0;
  for (let index = 1; index < parts.length; index += 3) {
    const [first = '', count = '', body = ''] = parts.slice(index);
    const start = Number(count) === 0 ? Number(first) : Number(first) - 1;
    const added = body.split(/(?<=[\n\0])/).filter((line) => line[0] !== '-');
    out.push(...lines.slice(at, start), ...added.map((line) => line.slice(1).replace('\0', '')));
    at = start + Number(count);
  }
  return [...out, ...lines.slice(at)].join('');
}

const PROFILE: KernelProfile = {
  name: '7.2',
  version: { major: 7, minor: 2 },
  appraise: true,
  modsig: false,
  keyMeasurement: true,
  labels: 'none',
  algorithms: ['sha256'],
  moduleAlgorithms: [],
  defaultTemplate: 'ima-ng',
  customPolicyActive: false,
};

test('the difference leads from the old policy to the fixed one', () => {
  let changed = 0;
  const rule = fc.oneof(policyRule, fc.constantFrom('hash', 'hash uid=1', '', '# x', 'measure func=PATH_CHECK'));
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 30 }), fc.constantFrom('', '\n'), (rules, end) => {
      const text = rules.join('\n') + end;
      const before = parsePolicy(text);
      const { lines } = fixPolicy(before, PROFILE);
      const diff = [...policyDiff('p', before, lines)].join('');
      assert.equal(patched(text, diff), printPolicy(lines));
      if (diff !== '') changed++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(changed > 100, `only ${changed}`);
});
