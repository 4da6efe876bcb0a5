import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { bootKernel, treeImage } from '@assay/testkit/lab';
import { askedKernel, filledImage, readAll, type AskOptions, type GuestAnswer } from '@assay/testkit/suites';
import { addPackage } from '../attest/agent-tree.ts';

const TIMEOUT_MS = 30 * 60 * 1000;
const PACKAGES = ['core', 'linux', 'engine'];
const PROGRAM_PARTS = ['guest.ts', 'names.ts', 'attacks.py'];
/**
 * Since Linux 6.19 values at inodes come from caches that need cmpxchg16b, which the lab's processor lacks, or that are checked
 * (mm/slub.c, kmalloc_nolock). Linux 6.1 passes over the word.
 */
const CHECKED_CACHES = 'slab_debug=F,kmalloc-*';
const UUID = '8c8f1c9e-3f0d-4c55-9d0a-6f2b6a1d7e42';
const IMAGE = { options: ['-O', '^has_journal', '-b', '1024', '-N', '256'], size: 4 * 1024 * 1024, uuid: UUID };

/** One boot, in which the gate is let in, tried, switched off and ended. */
export async function tryInGuest(options: AskOptions): Promise<GuestAnswer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-bpf-gate-'));
  try {
    const [tree, out] = [join(directory, 'tree.img'), join(directory, 'out')];
    await gateImage(join(directory, 'tree'), tree, options.signal);
    await mkdir(out);
    const { image } = await filledImage(IMAGE, async () => undefined);
    const { kernel, status, stderr } = await bootKernel({
      ...options,
      cmdline: CHECKED_CACHES,
      timeoutMs: TIMEOUT_MS,
      command: ['/mnt/node', '/mnt/guest.ts'],
      files: [{ path: 'image.gz', data: image }],
      tree,
      out,
    });
    const said = Buffer.from(stderr).toString();
    if (status !== 0) throw new SystemError('LAB-GUEST', `the gate of the guest ended with ${status}: ${said}`);
    return [{ kernel: await askedKernel(kernel), asked: new Map(), files: await readAll(out) }];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** An image with this Node, the engine and the programs of the guest. */
async function gateImage(tree: string, image: string, signal: AbortSignal | undefined): Promise<void> {
  await mkdir(tree);
  await cp(process.execPath, join(tree, 'node'));
  for (const part of PROGRAM_PARTS) await cp(join(import.meta.dirname, part), join(tree, part));
  for (const name of PACKAGES) await addPackage(name, tree);
  await treeImage(tree, image, { signal });
}
