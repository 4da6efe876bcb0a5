import { areWritersOff, probeWriters, type FileStatus } from '@assay/linux/files';
import { duplicateDescriptor, isExecuting } from '@assay/linux/process';
import type { Job } from './job.ts';

/** Executions that were allowed while somebody waits to write to the program. */
interface Executing {
  readonly fd: number;
  /** Processes, or threads. */
  readonly pids: readonly number[];
  /** `clock` */
  readonly end: number;
}

/** A thread that computes and never waits again is not waited for. */
const LONGEST_MS = 2000;

/**
 * Descriptors by which writers are kept off until the program that they would change is executed: the kernel does not execute
 * what somebody writes, or waits to write (ETXTBSY). Let go with the answer, they could be done before it is.
 */
export class ExecutingPrograms {
  readonly #release: (fd: number) => void;
  #programs: readonly Executing[] = [];

  constructor(release: (fd: number) => void) {
    this.#release = release;
  }

  get size(): number {
    return this.#programs.length;
  }

  /** To be called before the answer, with which the job's own descriptors go. @param now `clock` */
  add({ lead, batch, allowed, keepsWritersOff }: Job, now: number): void {
    if (!allowed || !keepsWritersOff || areWritersOff(lead.fd)) return;
    const pids = batch.map(({ pid }) => pid);
    this.#programs = [...this.#programs, { fd: duplicateDescriptor(lead.fd), pids, end: now + LONGEST_MS }];
  }

  /** Closes those that are not needed any more. @param now `clock`; Infinity: all */
  letGo(now: number): void {
    if (this.#programs.length === 0) return;
    const isOver = ({ pids, end }: Executing): boolean => now > end || !pids.some(isExecuting);
    const over = this.#programs.filter(isOver);
    for (const { fd } of over) this.#release(fd);
    this.#programs = this.#programs.filter((program) => !over.includes(program));
  }
}

/**
 * Whether the bytes that are about to be executed may be others than those of the verdict. Where writers were kept off they
 * are not. A writer that is there is one that the kernel does not let be executed (ETXTBSY).
 */
export function isOutdated({ lead, allowed, stamp, isDoubtful }: Job, status: FileStatus): boolean {
  if (lead.kind !== 'exec' || !allowed || stamp === undefined) return false;
  if (isDoubtful) return true;
  return !areWritersOff(lead.fd) && (probeWriters(lead.fd) === 'none' || !status.read(lead.fd).matches(stamp));
}
