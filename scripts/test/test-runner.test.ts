import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ROOT } from '../workspace.ts';

/** Runs the project's test runner over one package that holds one test file with this text. */
async function runnerOn(t: TestContext, text: string | null): Promise<{ ok: boolean; output: string }> {
  const root = await mkdtemp(join(tmpdir(), 'runner-'));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'packages/some/test'), { recursive: true });
  if (text !== null)
    await writeFile(join(root, 'packages/some/test/some.test.ts'), `import { test } from 'node:test';\n${text}`);
  const script = `
    import { runTests, testFiles } from ${JSON.stringify(join(ROOT, 'scripts/test.ts'))};
    const root = ${JSON.stringify(root)};
    process.exitCode = (await runTests(root, testFiles(root, []))) ? 0 : 1;`;
  // Inside a test, node's run() does nothing: the variable is how it knows.
  const env = { ...process.env };
  delete env['NODE_TEST_CONTEXT'];
  await writeFile(join(root, 'go.mjs'), script);
  const child = spawnSync(process.execPath, [join(root, 'go.mjs')], { env, encoding: 'utf8' });
  return { ok: child.status === 0, output: child.stdout + child.stderr };
}

test('a run in which all tests pass is a success', async (t) => {
  const { ok, output } = await runnerOn(t, "test('works', () => {});");
  assert.match(output, /✔ works/);
  assert.match(output, /^ℹ tests 1\nℹ pass 1\nℹ fail 0\nℹ skipped 0$/m);
  assert.equal(ok, true);
});

test('a test whose name begins like a path is a test', async (t) => {
  const { ok, output } = await runnerOn(t, "test('/dev/null is empty', () => {});");
  assert.match(output, /✔ \/dev\/null is empty/);
  assert.equal(ok, true);
});

test('a failed test fails the run and is named at the end', async (t) => {
  const { ok, output } = await runnerOn(t, "test('breaks', () => { throw new Error('out of cheese'); });");
  assert.match(output, /failed tests\n {2}packages\/some\/test\/some\.test\.ts: breaks\n {4}Error: out of cheese/);
  assert.match(output, /^ℹ fail 1$/m);
  assert.equal(ok, false);
});

test('a skipped test is listed with its reason', async (t) => {
  const text = "test('works', () => {}); test('waits', { skip: 'no swtpm here' }, () => {});";
  const { ok, output } = await runnerOn(t, text);
  assert.match(output, /skipped tests\n {2}packages\/some\/test\/some\.test\.ts: waits\n {4}no swtpm here/);
  assert.match(output, /^ℹ skipped 1$/m);
  assert.equal(ok, true);
});

test('a run in which every test was skipped is a failure', async (t) => {
  const { ok, output } = await runnerOn(t, "test('waits', { skip: 'no swtpm here' }, () => {});");
  assert.match(output, /no test ran/);
  assert.equal(ok, false);
});

test('a file without a test fails the run', async (t) => {
  const { ok, output } = await runnerOn(t, 'void test;');
  assert.match(output, /the file holds no test/);
  assert.equal(ok, false);
});

test('a file that cannot be loaded fails the run', async (t) => {
  const { ok, output } = await runnerOn(t, "import './nowhere.ts';");
  assert.match(output, /ERR_MODULE_NOT_FOUND/);
  assert.equal(ok, false);
});

test('a run without test files is a failure', async (t) => {
  const { ok, output } = await runnerOn(t, null);
  assert.match(output, /no test ran/);
  assert.equal(ok, false);
});
