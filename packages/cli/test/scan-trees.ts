import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { assay, documentIn, scratch, type Ended } from './assay.ts';

export function run(cwd: string, program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

export interface Row {
  readonly path: string;
  readonly kind: string;
  readonly severity: string;
  readonly attributes?: readonly string[];
  readonly from?: string;
  readonly code?: string;
  readonly reason?: { readonly content: string; readonly explains: boolean; readonly sentence: string };
}

export interface Document {
  readonly schema: string;
  readonly differences: number;
  readonly explained: number;
  readonly severities: Readonly<Record<string, number>>;
  readonly baselines: readonly { readonly verified: string | null; readonly signed: readonly string[] }[];
  readonly drift: readonly Row[];
}

export interface Setup {
  readonly directory: string;
  readonly tree: string;
  readonly baseline: string;
}

export function setup(t: TestContext): Setup {
  const directory = scratch(t);
  const tree = join(directory, 'tree');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  for (const name of ['a', 'b', 'sub/c', 'sub/\u001b[31mred\n']) writeFileSync(join(tree, name), name);
  symlinkSync('a', join(tree, 'link'));
  return { directory, tree, baseline: join(directory, 'baseline') };
}

export async function created({ tree, baseline }: Setup, ...options: readonly string[]): Promise<void> {
  const { code, stderr } = await assay(['scan', 'create', tree, '--out', baseline, ...options]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
}

export function documentOf(ended: Ended): Document {
  return documentIn(ended) as unknown as Document;
}

export async function checked(
  baseline: string,
  ...options: readonly string[]
): Promise<{ code: number | null } & Document> {
  const ended = await assay(['scan', 'check', baseline, '-o', 'json', ...options]);
  return { ...documentOf(ended), code: ended.code };
}

export function told({ drift }: Document, root: string): string[] {
  return drift.map(({ path, kind, attributes }) => [kind, relative(root, path), ...(attributes ?? [])].join(' '));
}
