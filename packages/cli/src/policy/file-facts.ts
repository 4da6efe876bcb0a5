import { statfs, stat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventFile } from '@assay/core/policy';
import { mountAt, readMounts, type Mount } from '@assay/linux/mounts';
import { fileSystemType } from '@assay/linux/survey';
import { isFileError } from '../exit.ts';

/** What conditions look at in the file of this machine; undefined where there is none of that name. */
export async function fileFacts(path: string): Promise<EventFile | undefined> {
  try {
    const real = await realpath(path);
    const [stats, system] = await Promise.all([stat(real), statfs(real, { bigint: true })]);
    const mount = mountOf(real);
    return {
      owner: stats.uid,
      group: stats.gid,
      magic: BigInt.asUintN(64, system.type),
      ...(mount === undefined ? {} : fileSystemType(mount.type)),
    };
  } catch (error) {
    if (isFileError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

function mountOf(path: string): Mount | undefined {
  const mounts = readMounts();
  for (let at = path; ; at = dirname(at)) {
    const mount = mountAt(mounts, at);
    if (mount !== undefined || at === '/') return mount;
  }
}
