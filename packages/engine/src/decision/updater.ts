import { toHex } from '@assay/core/bytes';
import type { Task } from './contract.ts';

/** A process counts among the next eight that it descends from. */
const GENERATIONS = 8;

/**
 * Whether a task acts for a program that installs software: it, or a process that it descends from, executes a file with
 * one of the digests, as root of the host. Names and paths prove nothing. In a container or a user namespace everybody can
 * be root, so there nobody counts.
 */
export function actsForUpdater(task: Task, updaters: ReadonlySet<string>): boolean {
  // The engine itself installs nothing, and asks about a file of its own many times before it begins.
  if (updaters.size === 0 || task.pid === process.pid) return false;
  const lineage = task.lineage().slice(0, GENERATIONS);
  if (lineage[0]?.isRootOfHost !== true) return false;
  return lineage.some((process) => {
    const digest = process.isRootOfHost ? process.digest('sha256') : undefined;
    return digest !== undefined && updaters.has(toHex(digest));
  });
}
