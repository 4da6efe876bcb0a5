import { realpathSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { mountAt, readMounts } from '@assay/linux/mounts';
import type { EngineOptions } from './options.ts';

/**
 * The paths to watch, without symbolic links. In permission mode each must be the mount point that it looks like: a
 * mark covers the whole file system of its path, and with a directory on the root file system that would be all of it.
 * @throws SystemError ENGINE-MOUNT
 */
export function checkedMounts(options: Pick<EngineOptions, 'mounts' | 'mode' | 'allowRootFileSystem'>): string[] {
  if (options.mounts.length === 0) throw refused('no mount is named');
  const paths = options.mounts.map(resolved);
  if (options.mode === 'permission') {
    for (const path of paths) checkPermission(path, options.allowRootFileSystem === true);
  }
  return paths;
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
}

function checkPermission(path: string, allowRoot: boolean): void {
  const mounts = readMounts();
  const mount = mountAt(mounts, path);
  if (mount === undefined) throw refused(`${JSON.stringify(path)} is no mount point`);
  if (mount.device === mountAt(mounts, '/')?.device && !allowRoot) {
    throw refused(`${JSON.stringify(path)} is on the root file system, where a fault would stop every program`);
  }
}

function refused(why: string): SystemError {
  return new SystemError('ENGINE-MOUNT', `the engine does not watch: ${why}`);
}
