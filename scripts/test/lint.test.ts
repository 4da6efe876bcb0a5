import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ROOT } from '../workspace.ts';

const TSCONFIG = JSON.stringify({
  extends: join(ROOT, 'tsconfig.base.json'),
  compilerOptions: { types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
  include: ['source.ts'],
});

/** Names of the rules that `text` breaks. */
async function lint(t: TestContext, text: string): Promise<string[]> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'lint-')));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'tsconfig.json'), TSCONFIG);
  await writeFile(join(directory, 'source.ts'), text);
  const bin = join(ROOT, 'node_modules/.bin');
  const child = spawnSync(
    join(bin, 'oxlint'),
    ['--config', join(ROOT, '.oxlintrc.json'), '--type-aware', '--deny-warnings', '--format=unix', 'source.ts'],
    { cwd: directory, encoding: 'utf8', env: { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) } },
  );
  const rules = Array.from(child.stdout.matchAll(/\[Error\/(.*)\]$/gm), (match) => match[1] ?? '');
  assert.equal(child.status, rules.length === 0 ? 0 : 1, child.stdout + child.stderr);
  return rules;
}

const REFUSED: Readonly<Record<string, string>> = {
  'typescript(no-explicit-any)': 'export function f(x: any): void {\n  void x;\n}',
  'typescript(no-non-null-assertion)': 'export const f = (x: string[]): string => x[0]!;',
  'import(no-default-export)': 'const x = 1;\nexport default x;',
  'typescript(no-floating-promises)': 'export function f(p: Promise<void>): void {\n  p.then(() => 1);\n}',
  'typescript(switch-exhaustiveness-check)':
    "export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}",
  'typescript(consistent-type-imports)':
    "import { Readable } from 'node:stream';\nexport const f = (x: Readable): boolean => x.destroyed;",
  'eslint(eqeqeq)': 'export const f = (x: string): boolean => x == "a";',
  'typescript(no-namespace)': 'export namespace n {\n  export type t = 1;\n}',
  'typescript(no-unsafe-type-assertion)': 'export const f = (x: unknown): string => x as string;',
  'eslint(max-lines)': 'export const x = 1;\n' + '// line\n'.repeat(400),
  'eslint(max-lines-per-function)': `export function f(x: string[]): void {\n${"  x.push('');\n".repeat(60)}}`,
  'eslint(no-warning-comments)': '// TODO: later\nexport const x = 1;',
};

for (const [rule, text] of Object.entries(REFUSED)) {
  test(`lint refuses what ${rule} names`, async (t) => {
    assert.deepEqual(await lint(t, text), [rule]);
  });
}

test('lint accepts plain code', async (t) => {
  assert.deepEqual(await lint(t, "export const f = (x: string): boolean => x === 'a';"), []);
});
