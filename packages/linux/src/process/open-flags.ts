import { readdirSync } from 'node:fs';
import { close, openat, Pinned, readAt } from '../libc/index.ts';

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
 * execve(2) and execveat(2) of programs of 32 bits and of x32 (syscall_32.tbl, arm's syscall.tbl). Other calls of 64 bits have
 * some of these numbers, too.
 */
const OTHER_EXECS: Readonly<Record<string, readonly number[]>> = {
  x64: [11, 358, 0x4000_0208, 0x4000_0221],
  arm64: [11, 387],
};
const otherExecs = OTHER_EXECS[process.arch] ?? [];

/** In the place of the number (fs/proc/base.c, proc_pid_syscall). */
const RUNNING = 'running';
const AT_FDCWD = -100;
const O_RDONLY_CLOEXEC = 0o2000000;
/** A number, six arguments, stack and instruction pointer (proc_pid_syscall(5)). */
const text = new Pinned(256);
const path = new Pinned(64);

/**
 * With which flags the thread opens the file for which it waits now: the registers of its call. Opens nothing but /proc.
 * @returns `exec` where it executes; `running` where it does not wait yet, so that its registers cannot be read; undefined
 *   where registers do not tell, as for openat2(2) and io_uring, or the thread is gone
 */
export function openFlags(thread: number): number | 'exec' | 'running' | undefined {
  const words = callOf(thread);
  if (words[0]?.startsWith(RUNNING) === true) return RUNNING;
  const call = calls?.get(Number(words[0]));
  if (call?.isExec === true) return 'exec';
  const flags = call?.flags === undefined ? undefined : words[call.flags];
  return flags === undefined ? undefined : Number(BigInt(flags) & 0xffff_ffffn);
}

/** Whether the thread may be in a call that executes; one that runs may be. False for one that is gone. */
export function isExecuting(thread: number): boolean {
  const [number] = callOf(thread);
  if (number === undefined || number === '') return false;
  return (
    number.startsWith(RUNNING) || calls?.get(Number(number))?.isExec === true || otherExecs.includes(Number(number))
  );
}

/** Number and arguments. */
function callOf(thread: number): string[] {
  return factOf(thread, 'syscall').split(' ', 5);
}

/** Nanoseconds for which a thread has computed (fs/proc/base.c, proc_pid_schedstat); Infinity where it is not known. */
export function computedFor(thread: number): number {
  const [time = ''] = factOf(thread, 'schedstat').split(' ', 1);
  return time === '' ? Infinity : Number(time);
}

/** Empty for a thread that is gone. */
function factOf(thread: number, name: string): string {
  path.bytes.write(`/proc/${thread}/${name}\0`, 'latin1');
  const fd = openat(AT_FDCWD, path.address, O_RDONLY_CLOEXEC);
  if (fd < 0) return '';
  const length = readAt(fd, text.address, text.bytes.length);
  close(fd);
  return length <= 0 ? '' : text.bytes.toString('latin1', 0, length);
}

/** Threads of a process; none of one that is gone. */
export function threadsOf(process: number): number[] {
  try {
    return readdirSync(`/proc/${process}/task`).map(Number);
  } catch {
    return [];
  }
}
