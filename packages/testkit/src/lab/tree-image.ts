import { runTool } from './tools.ts';

/** For inodes and journal, and what is rounded up to whole blocks. */
const ROOM_MIB = 64;

export interface TreeImageOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes an ext4 image that holds what is in a directory, for the `tree` of a boot.
 * @throws SystemError LAB-TOOL without mke2fs, LAB-GUEST where it fails
 */
export async function treeImage(directory: string, image: string, { signal }: TreeImageOptions = {}): Promise<void> {
  const tool = { code: 'LAB-GUEST', signal } as const;
  const mebibytes = Number((await runTool('du', ['-sm', directory], tool)).split('\t')[0]);
  const size = `${mebibytes + Math.ceil(mebibytes / 10) + ROOM_MIB}M`;
  await runTool('mke2fs', ['-q', '-t', 'ext4', '-d', directory, '-E', 'root_owner=0:0', image, size], tool);
}
