import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkDirections, cruiseFiles, reportOn } from '../directions.ts';
import { ROOT, sourceFiles } from '../workspace.ts';

/** A small workspace whose rules are kept; each test adds the file that breaks one. */
const KEPT: Readonly<Record<string, string>> = {
  'packages/core/package.json': '{"name":"@assay/core","exports":{"./bytes":"./src/bytes/index.ts"}}',
  'packages/core/src/errors/index.ts': 'export const code = 1;',
  'packages/core/src/bytes/index.ts': "import { code } from '../errors/index.ts';\nexport const two = code + 1;",
  'packages/core/src/node/index.ts': "export { createHash } from 'node:crypto';",
  'packages/wire/package.json': '{"name":"@assay/wire","exports":{".":"./src/index.ts"}}',
  'packages/wire/src/index.ts': "export { two } from '@assay/core/bytes';",
};

async function workspaceWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'directions-')));
  t.after(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries({
    'package.json': '{"private":true,"workspaces":["packages/*"]}',
    ...KEPT,
    ...files,
  })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await mkdir(join(root, 'node_modules/@assay'), { recursive: true });
  for (const name of ['core', 'wire']) {
    await symlink(join(root, 'packages', name), join(root, 'node_modules/@assay', name));
  }
  return root;
}

async function rulesBrokenBy(t: TestContext, files: Readonly<Record<string, string>>): Promise<string[]> {
  const { problems } = await checkDirections(await workspaceWith(t, files));
  return problems.map((problem) => / -> .*?: ([a-z-]+) \(/.exec(problem)?.[1] ?? problem).toSorted();
}

test('the rules hold in this project, and every source file was visited', async () => {
  const report = await checkDirections(ROOT);
  assert.deepEqual(report.problems, []);
  assert.equal(report.visited, sourceFiles(ROOT).length);
  assert.ok(report.visited > 0);
});

test('a workspace that keeps the rules has no problem', async (t) => {
  assert.deepEqual(await rulesBrokenBy(t, {}), []);
});

const BROKEN: readonly { what: string; path: string; text: string; rules: string[] }[] = [
  {
    what: 'a package imports one that it may not',
    path: 'packages/core/src/bytes/up.ts',
    text: "export * from '@assay/wire';",
    rules: ['core-is-pure', 'package-core'],
  },
  {
    what: 'a type is imported from a package against the direction',
    path: 'packages/core/src/node/type.ts',
    text: "export type { two } from '@assay/wire';",
    rules: ['core-node-has-no-dependency', 'package-core'],
  },
  {
    what: 'a room imports one that comes later',
    path: 'packages/core/src/errors/later.ts',
    text: "export * from '../hash/index.ts';",
    rules: ['room-errors'],
  },
  {
    what: 'a room is not in the order of rooms',
    path: 'packages/core/src/novel/index.ts',
    text: "export * from '../errors/index.ts';",
    rules: ['room-unknown'],
  },
  {
    what: 'core imports a module of Node outside core/node',
    path: 'packages/core/src/bytes/file.ts',
    text: "export { readFile } from 'node:fs/promises';",
    rules: ['core-is-pure'],
  },
  {
    what: 'the internals of another package are imported by a relative path',
    path: 'packages/wire/src/deep.ts',
    text: "export * from '../../core/src/bytes/index.ts';",
    rules: ['internals-of-core'],
  },
  {
    what: 'the internals of another package are imported past its exports',
    path: 'packages/wire/src/deep.ts',
    text: "export * from '@assay/core/src/bytes/index.ts';",
    rules: ['resolvable'],
  },
  {
    what: 'a module imports itself through another',
    path: 'packages/wire/src/circle.ts',
    text: "import './round.ts';",
    rules: ['no-circle'],
  },
  {
    what: 'the page imports what needs Node',
    path: 'packages/dashboard/src/main.tsx',
    text: "import 'node:fs';",
    rules: ['page-has-no-node-module'],
  },
  {
    what: 'a source imports a test',
    path: 'packages/wire/src/tested.ts',
    text: "export * from '../test/help.ts';",
    rules: ['tests-stay-apart'],
  },
];

const ROUNDABOUT = {
  'packages/core/src/hash/index.ts': 'export const three = 3;',
  'packages/wire/src/round.ts': "import './circle.ts';",
  'packages/wire/src/circle.ts': 'export {};',
  'packages/wire/test/help.ts': 'export const four = 4;',
};

for (const { what, path, text, rules } of BROKEN) {
  test(`it is refused that ${what}`, async (t) => {
    assert.deepEqual(await rulesBrokenBy(t, { ...ROUNDABOUT, [path]: text }), rules);
  });
}

test('a file that was not visited is a problem, not silence', async (t) => {
  const root = await workspaceWith(t, {});
  const files = sourceFiles(root);
  const report = reportOn(files, await cruiseFiles(root, ['packages/core/src/errors/index.ts']));
  assert.equal(report.visited, 1);
  assert.equal(report.problems.length, files.length - 1);
});
