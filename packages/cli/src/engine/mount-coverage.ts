import { SystemError } from '@assay/core/errors';
import { askEngine } from '@assay/engine/control';
import { chooseMounts, mountAt, readMounts } from '@assay/linux/mounts';
import { statusIn, type ShownStatus } from './status.ts';

/** A file system from which programs can run, and whether the running engine is asked about them. */
export interface CoveredMount {
  readonly path: string;
  readonly watched: boolean;
}

/** What an engine watches, and what its programs in the kernel do. */
export interface RunningCoverage {
  readonly mounts: readonly CoveredMount[];
  readonly gate: ShownStatus['bpf'];
}

/** @returns undefined where no engine answers in this directory */
export async function runningCoverage(directory: string): Promise<RunningCoverage | undefined> {
  try {
    const { mounts, watching, bpf } = statusIn(await askEngine(directory, { command: 'status' }));
    return { mounts: coverage(watching ? mounts : []), gate: watching ? bpf : undefined };
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/** One that is mounted below a watched path later is watched, too, unless it is that of `/`. */
function coverage(watched: readonly string[]): CoveredMount[] {
  const mounts = readMounts();
  const devices = new Set(watched.map((path) => mountAt(mounts, path)?.device));
  const root = mountAt(mounts, '/')?.device;
  return chooseMounts(mounts).chosen.map((path) => {
    const device = mountAt(mounts, path)?.device;
    const isBelow = device !== root && watched.some((top) => path.startsWith(top.endsWith('/') ? top : `${top}/`));
    return { path, watched: isBelow || devices.has(device) };
  });
}
