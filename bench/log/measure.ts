// Time and memory of whole processes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const MEMORY_EVERY_MILLISECONDS = 20;
/** USER_HZ, which is 100 wherever Linux runs (include/asm-generic/param.h). */
const TICKS_PER_SECOND = 100;

export interface Measured {
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** Of all processors, by the program and what it ran. Says more than the time on a machine that does other things too. */
  readonly processorSeconds: number;
  /** Peak of the resident memory. */
  readonly megabytes: number;
  readonly output: string;
}

/** @throws Error when the program does not end with 0 */
export async function measure(program: string, ...parameters: readonly string[]): Promise<Measured> {
  const before = childrenTicks();
  const started = performance.now();
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit').then(() => performance.now());
  const [ended, stdout, stderr, megabytes] = await Promise.all([
    exit,
    text(child.stdout),
    text(child.stderr),
    peakMemory(child.pid ?? 0, exit),
  ]);
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}: ${stderr.slice(0, 1000)}`);
  const processorSeconds = (childrenTicks() - before) / TICKS_PER_SECOND;
  return { seconds: (ended - started) / 1000, processorSeconds, megabytes, output: stdout + stderr };
}

/** cutime and cstime of proc_pid_stat(5): of processes that ended; nothing else may run beside. */
function childrenTicks(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[13]) + Number(fields[14]);
}

/** VmHWM of proc_pid_status(5), as long as the process runs. */
async function peakMemory(pid: number, exit: Promise<number>): Promise<number> {
  let peak = 0;
  for (;;) {
    peak = Math.max(peak, residentPeak(pid));
    const ended = await Promise.race([exit, delay(MEMORY_EVERY_MILLISECONDS, undefined)]);
    if (ended !== undefined) return peak;
  }
}

function residentPeak(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}
