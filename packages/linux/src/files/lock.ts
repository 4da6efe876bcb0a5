import { closeSync, constants, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { callFailed, flock, lastErrno } from '../libc/index.ts';

/** include/uapi/asm-generic/fcntl.h */
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes an exclusive flock(2) on a file, made if it is missing. The kernel gives it back when the process ends.
 * @returns the function that gives it back, or undefined where somebody else has it
 * @throws SystemError SYSTEM-CALL; Error of open(2)
 */
export function lockFile(path: string): (() => void) | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return () => closeSync(fd);
  const errno = lastErrno();
  closeSync(fd);
  if (errno === os.errno.EWOULDBLOCK) return undefined;
  throw callFailed(`flock of ${JSON.stringify(path)}`, errno);
}
