import { constants } from 'node:fs';
import { constants as system } from 'node:os';
import { close, lastErrno, openat, Pinned } from '../libc/index.ts';

const AT_FDCWD = -100;
/** It waits for nobody who has a lease. */
const FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | 0o2000000;
const path = new Pinned(64);

/**
 * Opens a file for writing, and writes nothing: as long as the descriptor is open the kernel executes the file for nobody
 * (ETXTBSY; fs/exec.c, deny_write_access). Not for a file inside of an overlay, whose own inode is what is executed.
 * @param fd of the file, opened for reading
 * @returns undefined where it cannot be opened so: it is read-only or immutable, or somebody executes it or has a lease
 */
export function keepFromExecution(fd: number): number | undefined {
  const opened = openForWriting(`/proc/self/fd/${fd}`);
  return opened < 0 ? undefined : opened;
}

/** Whether the kernel keeps writers and executions apart at all: Linux 6.11 and 6.12 did not, until it was taken back. */
export function isTextBusy(): boolean {
  const opened = openForWriting('/proc/self/exe');
  if (opened < 0) return lastErrno() === system.errno.ETXTBSY;
  close(opened);
  return false;
}

/** Not by node:fs, which closes what a thread has opened once more when the thread ends. */
function openForWriting(name: string): number {
  path.bytes.write(`${name}\0`, 'latin1');
  return openat(AT_FDCWD, path.address, FLAGS);
}
