// Type-checks every part of the project that has its own settings: `node scripts/typecheck.ts`
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runNode } from './processes.ts';
import { ROOT } from './workspace.ts';

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const AT_ONCE = 2;

/** core and dashboard run without Node, so they are checked apart, without its types. */
const PROJECTS = ['.', 'packages/core', 'packages/dashboard', 'packages/dashboard/test'];

/** One line per project, and what tsc said where it failed. */
async function checkProject(project: string): Promise<boolean> {
  const { code, output } = await runNode([TSC, '-p', project]);
  console.log(`typecheck ${project}: ${code === 0 ? 'ok' : 'failed'}`);
  if (code !== 0) console.error(output.trimEnd());
  return code === 0;
}

async function checkInTurn(queue: string[], results: boolean[]): Promise<void> {
  for (let project = queue.shift(); project !== undefined; project = queue.shift()) {
    results.push(await checkProject(project));
  }
}

/** What the tests know of the HTTP API is generated from its own description, as any client's types can be. */
const generated = await runNode([join(ROOT, 'packages/cli/test/openapi.ts')]);
if (generated.code !== 0) throw new Error(generated.output);

const queue = PROJECTS.filter((project) => existsSync(join(ROOT, project, 'tsconfig.json')));
const results: boolean[] = [];
await Promise.all(Array.from({ length: AT_ONCE }, () => checkInTurn(queue, results)));
if (!results.every(Boolean)) process.exitCode = 1;
