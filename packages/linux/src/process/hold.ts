import { writeFileSync } from 'node:fs';
import { callFailed, getrlimit, lastErrno, setrlimit } from '../libc/index.ts';

/** include/uapi/asm-generic/resource.h */
const RLIMIT_NOFILE = 7;
/**
 * Lets this process open as many files as it asks for, or as its hard limit grants where it may not raise that.
 * @returns the limit that holds now
 * @throws SystemError SYSTEM-CALL
 */
export function raiseDescriptorLimit(wanted: number): number {
  const limits = Buffer.alloc(16);
  if (getrlimit(RLIMIT_NOFILE, limits) < 0) throw callFailed('getrlimit', lastErrno());
  const hard = limits.readBigUInt64LE(8);
  const value = BigInt(wanted);
  if (limits.readBigUInt64LE(0) >= value) return Number(limits.readBigUInt64LE(0));
  for (const granted of hard >= value ? [value] : [value, hard]) {
    limits.writeBigUInt64LE(granted, 0);
    limits.writeBigUInt64LE(granted > hard ? granted : hard, 8);
    if (setrlimit(RLIMIT_NOFILE, limits) === 0) return Number(granted);
  }
  throw callFailed('setrlimit', lastErrno());
}

/** The kernel's killer for want of memory (oom_score_adj) takes every other process first. @throws Error of write(2) */
export function lastToBeKilled(): void {
  writeFileSync('/proc/self/oom_score_adj', '-1000');
}
