import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Where kernels and root file systems are kept: the environment's ASSAY_LAB_CACHE, else `assay/lab` in the cache directory
 * of the user (XDG Base Directory Specification).
 */
export function defaultCache(environment: NodeJS.ProcessEnv = process.env): string {
  const { ASSAY_LAB_CACHE: own, XDG_CACHE_HOME: shared } = environment;
  if (own !== undefined && own !== '') return own;
  return join(shared !== undefined && shared !== '' ? shared : join(homedir(), '.cache'), 'assay', 'lab');
}

/**
 * A directory of the cache that is whole or absent: `fill` works in a draft beside it, which then takes its name. Who
 * comes second while another fills it uses what the other has made.
 */
export async function cached(target: string, fill: (draft: string) => Promise<void>): Promise<string> {
  if (existsSync(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  const draft = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    await fill(draft);
    await rename(draft, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return target;
}
