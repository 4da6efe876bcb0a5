import { readFileSync } from 'node:fs';

/** Whether a process or thread is of this process, or of one that it started. Opens nothing but /proc. */
export function isOfFamily(id: number): boolean {
  if (id === process.pid) return true;
  try {
    const status = readFileSync(`/proc/${id}/status`, 'latin1');
    const of = (name: string): number => Number(new RegExp(`^${name}:\\t(\\d+)$`, 'm').exec(status)?.[1]);
    return of('Tgid') === process.pid || of('PPid') === process.pid;
  } catch {
    return false;
  }
}
