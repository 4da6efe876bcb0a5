import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { callFailed, fcntl, lastErrno } from '../libc/index.ts';

/** include/uapi/linux/fcntl.h, include/uapi/asm-generic/fcntl.h */
const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_GETLEASE = 1025;
const F_RDLCK = 0;
const F_UNLCK = 2;

const { EAGAIN, EACCES, EINVAL } = constants.errno;

/** `unknown`: the file system grants no leases, or the file belongs to another user and CAP_LEASE is missing. */
export type WriterProbe = 'none' | 'some' | 'unknown';

/**
 * Whether anybody has the file open for writing, a shared writable mapping included: the kernel grants a read lease only
 * where nobody has (fs/locks.c, check_conflicting_open). The lease is given back at once.
 * @param fd a regular file opened for reading only
 * @throws SystemError SYSTEM-CALL
 */
export function probeWriters(fd: number): WriterProbe {
  const found = keepWritersOff(fd);
  if (found === 'none') letWritersIn(fd);
  return found;
}

/**
 * As {@link probeWriters}; where there is `none`, none comes before the last close of the descriptor, or `letWritersIn`: who
 * opens the file for writing, or truncates it, waits until then, for `fs.lease-break-time` at the longest.
 */
export function keepWritersOff(fd: number): WriterProbe {
  // Who opens the file for writing makes the kernel send SIGIO, which would end this process; SIGURG is ignored unless
  // somebody listens.
  if (fcntl(fd, F_SETSIG, constants.signals.SIGURG) < 0) throw callFailed('fcntl F_SETSIG', lastErrno());
  if (fcntl(fd, F_SETLEASE, F_RDLCK) === 0) return 'none';
  const errno = lastErrno();
  if (errno === EAGAIN) return 'some';
  if (errno === EACCES || errno === EINVAL) return 'unknown';
  throw callFailed('fcntl F_SETLEASE', errno);
}

/** Whether no writer came since `keepWritersOff`, not even one that waits. */
export function areWritersOff(fd: number): boolean {
  return fcntl(fd, F_GETLEASE, 0) === F_RDLCK;
}

/** @throws SystemError SYSTEM-CALL */
export function letWritersIn(fd: number): void {
  const failed = fcntl(fd, F_SETLEASE, F_UNLCK) < 0;
  // EAGAIN: the kernel has ended the lease already, as a writer waited for too long.
  if (failed && lastErrno() !== EAGAIN) throw callFailed('fcntl F_SETLEASE to end a lease', lastErrno());
}

/** Milliseconds for which the kernel lets a writer wait (proc_sys_fs(5), lease-break-time). @throws Error of read(2) */
export function leaseBreakTime(): number {
  const seconds = Number(readFileSync('/proc/sys/fs/lease-break-time', 'latin1'));
  return seconds > 0 ? seconds * 1000 : Infinity;
}
