import { readFileSync } from 'node:fs';

/** Id of the mount by which a file was opened, `O_PATH` included (proc_pid_fdinfo(5)), as in mountinfo. */
export function mountIdOf(fd: number): number | undefined {
  const id = /^mnt_id:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return id === undefined ? undefined : Number(id);
}
