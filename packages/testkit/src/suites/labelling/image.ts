import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { runTool } from '../../lab/tools.ts';
import { FAILED } from './commands.ts';

/** An ext4 file system that is filled on this machine, for a guest. */
export interface ImageForm {
  /** Arguments of mke2fs. */
  readonly options: readonly string[];
  /** Bytes. */
  readonly size: number;
  readonly uuid: string;
}

/** What `fill` gave, and the file system compressed by gzip. */
export interface FilledImage<T> {
  readonly filled: T;
  readonly image: Uint8Array;
}

/**
 * Makes a file system, mounts it for `fill`, and takes it down.
 * @throws SystemError LAB-TOOL where a program is missing or fails; it needs root
 */
export async function filledImage<T>(
  { options, size, uuid }: ImageForm,
  fill: (directory: string) => Promise<T>,
): Promise<FilledImage<T>> {
  const work = await mkdtemp(join(tmpdir(), 'assay-image-'));
  const [tree, image] = [join(work, 'tree'), join(work, 'image')];
  try {
    await mkdir(tree);
    await writeFile(image, '');
    await truncate(image, size);
    await runTool('mke2fs', ['-q', '-t', 'ext4', '-U', uuid, ...options, image], FAILED);
    const filled = await mounted(image, tree, async () => fill(tree));
    return { filled, image: await promisify(gzip)(await readFile(image)) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function mounted<T>(image: string, directory: string, use: () => Promise<T>): Promise<T> {
  await runTool('mount', ['-o', 'loop', image, directory], FAILED);
  try {
    const used = await use();
    // Unmounting alone writes nothing while a process with mounts of its own still has this one.
    await runTool('sync', ['--file-system', directory], FAILED);
    return used;
  } finally {
    await runTool('umount', [directory], FAILED);
  }
}
