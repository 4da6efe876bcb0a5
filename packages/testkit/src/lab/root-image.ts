import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import type { FetchOptions } from './kernels.ts';
import { runTool } from './tools.ts';

const SUITE = 'trixie';

/** What scripts find in the guest, besides the essential packages of Debian. */
const PACKAGES = [
  'ima-evm-utils',
  'attr',
  'keyutils',
  'tpm2-tools',
  'kmod',
  'fsverity',
  'e2fsprogs',
  'openssl',
  'python3',
];

const MIRROR = 'http://deb.debian.org/debian';
const WITHOUT_TEXTS = ['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
const OPTIONS = ['--variant=minbase', '--format=directory', `--include=${PACKAGES.join(',')}`, ...WITHOUT_TEXTS];
const SMALLEST = ['--variant=apt', '--format=tar', ...WITHOUT_TEXTS];

/** With fs-verity; made from a tree that belongs to root. */
const FILE_SYSTEM = ['-q', '-t', 'ext4', '-O', 'verity', '-b', '4096'];
const SIZE = '2G';

/**
 * The ext4 image with the guest's programs; built at the first use, and again when this recipe changes. A boot writes
 * into a layer over it, never into it.
 * Building it needs root.
 * @throws SystemError LAB-PACKAGES where it cannot be built
 */
export async function rootImage({ cache, signal, onStep }: FetchOptions): Promise<string> {
  const recipe = createHash('sha256')
    .update(JSON.stringify([SUITE, OPTIONS, FILE_SYSTEM, SIZE]))
    .digest('hex');
  const directory = await cached(join(cache, 'roots', recipe.slice(0, 16)), async (draft) => {
    onStep?.(`building the root file system of the guests from Debian ${SUITE}`);
    const tree = join(draft, 'tree');
    const tool = { code: 'LAB-PACKAGES', signal } as const;
    await runTool('mmdebstrap', [...OPTIONS, SUITE, tree, MIRROR], tool);
    await runTool('mkdir', ['-p', join(tree, 'lab'), join(tree, 'usr/lib/modules')], tool);
    await runTool('mke2fs', [...FILE_SYSTEM, '-d', tree, join(draft, 'root.img'), SIZE], tool);
    await rm(tree, { recursive: true });
  });
  return join(directory, 'root.img');
}

/**
 * A tar archive of the smallest Debian in which apt works; built at the first use, and again when this recipe changes.
 * Building it needs root.
 * @throws SystemError LAB-PACKAGES where it cannot be built
 */
export async function smallestDebian({ cache, signal, onStep }: FetchOptions): Promise<string> {
  const recipe = createHash('sha256')
    .update(JSON.stringify([SUITE, SMALLEST]))
    .digest('hex');
  const directory = await cached(join(cache, 'roots', recipe.slice(0, 16)), async (draft) => {
    onStep?.(`building the smallest Debian ${SUITE} that has apt`);
    const tool = { code: 'LAB-PACKAGES', signal } as const;
    await runTool('mmdebstrap', [...SMALLEST, SUITE, join(draft, 'root.tar'), MIRROR], tool);
  });
  return join(directory, 'root.tar');
}
