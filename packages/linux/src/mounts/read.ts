import { readFileSync } from 'node:fs';
import { parseMountInfo, type Mount } from './parse.ts';

/** The mounts of this process's mount namespace. @throws FormatError MOUNT-LINE */
export function readMounts(): Mount[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo'));
}
