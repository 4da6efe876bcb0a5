import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMounts } from '@assay/linux/mounts';

/** A directory in which file systems are mounted. It carries the number of its process. */
export interface MountDirectory extends Disposable {
  readonly path: string;
}

/**
 * Makes one, and removes those that processes left behind which were killed.
 * @param name of the benchmark
 */
export function mountDirectory(name: string): MountDirectory {
  const prefix = `assay-${name}-`;
  for (const left of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const pid = /^(\d+)-/.exec(left.slice(prefix.length))?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(join(tmpdir(), left));
  }
  const path = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  return { path, [Symbol.dispose]: () => remove(path) };
}

/** Ends this process at SIGINT and SIGTERM, and what it made before. Synchronous: nobody is waited for. */
export function atInterruption(clean: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      clean();
      process.exit(128 + constants.signals[signal]);
    });
  }
}

/** Lazily: what still runs from a file system must not keep it. */
function remove(directory: string): void {
  const points = readMounts().map(({ mountPoint }) => mountPoint.toString('utf8'));
  for (const point of points.filter((each) => each.startsWith(`${directory}/`)).toReversed())
    spawnSync('umount', ['--lazy', point]);
  rmSync(directory, { recursive: true, force: true });
}
