import { readFileSync } from 'node:fs';

interface OpeningCall {
  /** Which argument has the flags; undefined where it lies in the memory of the task, which could change it. */
  readonly flags?: number;
  readonly isExec?: boolean;
}

/** Numbers of the calls that open files (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). */
const CALLS: Readonly<Record<string, ReadonlyMap<number, OpeningCall>>> = {
  x64: new Map([
    [2, { flags: 2 }],
    [257, { flags: 3 }],
    [59, { isExec: true }],
    [322, { isExec: true }],
  ]),
  arm64: new Map([
    [56, { flags: 3 }],
    [221, { isExec: true }],
    [281, { isExec: true }],
  ]),
};
const calls = CALLS[process.arch];

/**
 * With which flags the thread opens the file for which it waits now: the registers of its call (proc_pid_syscall(5)).
 * @returns `exec` where it executes; undefined where registers do not tell, as for openat2(2) and io_uring
 */
export function openFlags(thread: number): number | 'exec' | undefined {
  const words = callOf(thread);
  const call = calls?.get(Number(words[0]));
  if (call?.isExec === true) return 'exec';
  const flags = call?.flags === undefined ? undefined : words[call.flags];
  return flags === undefined ? undefined : Number(BigInt(flags) & 0xffff_ffffn);
}

/** Number and arguments. */
function callOf(thread: number): string[] {
  try {
    return readFileSync(`/proc/${thread}/syscall`, 'latin1').split(' ');
  } catch {
    return [];
  }
}
