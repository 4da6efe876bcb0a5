import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { treeImage } from '@assay/testkit/lab';
import { ROOT } from '../workspace.ts';

/** What of the project the agent of a host consists of. */
const PACKAGES = ['core', 'linux', 'wire', 'agent'];
const PROGRAM = 'guest-agent.ts';
const PROGRAM_PARTS = [PROGRAM, 'names.ts'];

/** How a guest that has the image starts the agent. */
export const AGENT_COMMAND = ['/mnt/node', `/mnt/${PROGRAM}`] as const;

/** An image with this Node, the agent and the program that runs it in a guest. */
export async function agentImage(image: string, signal: AbortSignal | undefined): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'assay-agent-tree-'));
  try {
    await cp(process.execPath, join(tree, 'node'));
    for (const part of PROGRAM_PARTS) await cp(join(import.meta.dirname, part), join(tree, part));
    for (const name of PACKAGES) await addPackage(name, tree);
    await treeImage(tree, image, { signal });
  } finally {
    await rm(tree, { recursive: true });
  }
}

/** Copies what of a package runs, with what it depends on of others. */
export async function addPackage(name: string, tree: string): Promise<void> {
  const source = join(ROOT, 'packages', name);
  const target = join(tree, 'packages', name);
  for (const part of ['src', 'package.json']) await cp(join(source, part), join(target, part), { recursive: true });
  const link = join(tree, 'node_modules/@assay', name);
  await mkdir(dirname(link), { recursive: true });
  await symlink(`../../packages/${name}`, link);
  for (const dependency of await dependenciesOf(source)) await addDependency(dependency, tree);
}

async function addDependency(name: string, tree: string): Promise<void> {
  const source = join(ROOT, 'node_modules', name);
  const target = join(tree, 'node_modules', name);
  if (name.startsWith('@assay/') || existsSync(target)) return;
  await cp(await realpath(source), target, { recursive: true });
  for (const dependency of await dependenciesOf(source)) await addDependency(dependency, tree);
}

/** Of the optional ones, which are of single platforms, those that are installed. */
async function dependenciesOf(directory: string): Promise<string[]> {
  const description: unknown = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  const optional = names(description, 'optionalDependencies');
  return [
    ...names(description, 'dependencies'),
    ...optional.filter((name) => existsSync(join(ROOT, 'node_modules', name))),
  ];
}

function names(description: unknown, key: string): string[] {
  const table: unknown =
    typeof description === 'object' && description !== null ? Reflect.get(description, key) : undefined;
  return typeof table === 'object' && table !== null ? Object.keys(table) : [];
}
