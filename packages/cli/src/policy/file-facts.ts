import { realpath, stat } from 'node:fs/promises';
import type { EventFile } from '@assay/core/policy';
import { fileSystemFacts } from '@assay/linux/survey';
import { isFileError } from '../exit.ts';

/** What conditions look at in the file of this machine; undefined where there is none of that name. */
export async function fileFacts(path: string): Promise<EventFile | undefined> {
  try {
    const real = await realpath(path, 'buffer');
    const { uid, gid } = await stat(real);
    return { owner: uid, group: gid, ...fileSystemFacts(real.toString('latin1')) };
  } catch (error) {
    if (isFileError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}
