import { readFileSync } from 'node:fs';
import { parseMountInfo, type Mount } from './parse.ts';

/** The mounts of this process's mount namespace. @throws FormatError MOUNT-LINE */
export function readMounts(): Mount[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo'));
}

/**
 * Whether a file was opened through a mount that this process or another one sees: not through one that was detached, nor
 * through those that an overlay has of its directories for itself.
 * @param process its id, or that of a thread
 */
export function isThroughMount(fd: number, process: number): boolean {
  const id = /^mnt_id:\t(\d+)$/m.exec(textOf(`/proc/self/fdinfo/${fd}`))?.[1];
  if (id === undefined) return false;
  return ['self', process].some((each) => `\n${textOf(`/proc/${each}/mountinfo`)}`.includes(`\n${id} `));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
