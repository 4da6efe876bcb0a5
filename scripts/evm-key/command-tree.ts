import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { treeImage } from '@assay/testkit/lab';
import { addPackage } from '../attest/agent-tree.ts';
import { ROOT } from '../workspace.ts';

/** What of the project the commands for keys need. */
const PACKAGES = ['core', 'linux', 'wire', 'cli'];

/** How a guest that has the image runs `assay`. */
export const ASSAY_COMMAND = ['/mnt/node', '/mnt/packages/cli/bin/assay.js'] as const;

/** An image with this Node and the command. */
export async function commandImage(image: string, signal: AbortSignal | undefined): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'assay-command-tree-'));
  try {
    await cp(process.execPath, join(tree, 'node'));
    for (const name of PACKAGES) await addPackage(name, tree);
    await cp(join(ROOT, 'packages/cli/bin'), join(tree, 'packages/cli/bin'), { recursive: true });
    await treeImage(tree, image, { signal });
  } finally {
    await rm(tree, { recursive: true });
  }
}
