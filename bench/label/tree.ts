// Trees to label: a bounded part of another one, and large files.
import { closeSync, copyFileSync, createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TreeWalk } from '@assay/linux/tree';
import { removeXattr } from '@assay/linux/xattr';

const ALL = { include: [], exclude: [], oneFileSystem: false };
/** A few huge files would be most of the tree. */
const LARGEST_FILE = 64 * 1024 * 1024;

export interface Tree {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** Copies files of `source`, evenly from all of it, until there are so many bytes. */
export async function copyPart(source: string, target: string, limit: number): Promise<Tree> {
  const found = [...files(source)].filter(({ size }) => size < LARGEST_FILE);
  const total = found.reduce((sum, { size }) => sum + size, 0);
  const share = Math.min(1, limit / total);
  let [count, bytes, due] = [0, 0, 0];
  for (const { path, size } of found) {
    due += share;
    if (due < 1) continue;
    due -= 1;
    const copy = join(target, path.slice(source.length));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
    count += 1;
    bytes += size;
  }
  await readAll(target);
  return { path: target, files: count, bytes };
}

export async function writeLarge(target: string, count: number, size: number): Promise<Tree> {
  mkdirSync(target, { recursive: true });
  const content = randomBytes(size);
  for (let index = 0; index < count; index++) await writeFile(join(target, String(index)), content);
  return { path: target, files: count, bytes: count * size };
}

/** So that every program finds the content in memory. */
export async function readAll(root: string): Promise<void> {
  for (const { path } of files(root)) await pipeline(createReadStream(path), createWriteStream('/dev/null'));
}

export function removeLabels(root: string): void {
  for (const { path } of files(root)) removeXattr(Buffer.from(path), 'security.ima');
}

function* files(root: string): Generator<{ path: string; size: number }> {
  for (const each of new TreeWalk(ALL).files([Buffer.from(root)])) {
    if (each.kind === 'problem') continue;
    closeSync(each.fd);
    yield { path: each.path.toString('utf8'), size: each.size };
  }
}
