import { existsSync } from 'node:fs';

/** A thread that ended may leave its number to another process, but not before all other numbers were given away. */
const own = new Set<number>();

/** @param id of a process, or of a thread */
export function isOwnThread(id: number, isThread: boolean): boolean {
  if (!isThread || id === process.pid) return id === process.pid;
  if (own.has(id)) return true;
  const isOwn = existsSync(`/proc/self/task/${id}`);
  if (isOwn) own.add(id);
  return isOwn;
}
