import { descriptorPath, type FileStatus } from '@assay/linux/files';
import type { AskedEvent } from '@assay/linux/fanotify';
import { computedFor, isExecuting, threadsOf } from '@assay/linux/process';
import type { Job } from './job.ts';
import type { WaitingWriters } from './waiting-writers.ts';

/** Nanoseconds of its own in which a thread that got the answer has executed the program, or was refused. */
const LONGEST_NS = 20_000_000;

interface ExecutingThread {
  readonly id: number;
  /** What it had computed before the answer, in nanoseconds. */
  readonly before: number;
}

/** Executions that were allowed, with the descriptor on which their being right depends. */
interface Executing {
  readonly fd: number;
  /** Processes, or threads. */
  readonly pids: readonly number[];
  readonly threads: readonly ExecutingThread[];
  /** Undefined where the descriptor is to keep the kernel from executing. */
  readonly writers: WaitingWriters | undefined;
}

/**
 * Descriptors by which writers are kept off until the program that they would change is executed, or by which the kernel is
 * kept from executing what they write (ETXTBSY). Let go with the answer, either could come too late.
 */
export class ExecutingPrograms {
  readonly #namesThreads: boolean;
  readonly #release: (fd: number) => void;
  #programs: readonly Executing[] = [];

  /** @param namesThreads whether events name threads, not processes */
  constructor(namesThreads: boolean, release: (fd: number) => void) {
    this.#namesThreads = namesThreads;
    this.#release = release;
  }

  get size(): number {
    return this.#programs.length;
  }

  /**
   * To be called before the answer, with which the job's own descriptors go.
   * @returns whether that of its lead is taken over
   */
  add({ lead, batch, allowed, writers, occupied }: Job): boolean {
    if (!allowed || (writers === undefined && occupied === undefined)) return false;
    const pids = batch.map(({ pid }) => pid);
    const ids = this.#namesThreads ? pids : pids.flatMap(threadsOf);
    const threads = ids.map((id) => ({ id, before: computedFor(id) }));
    this.#programs = [
      ...this.#programs,
      { fd: occupied ?? lead.fd, pids, threads, writers: occupied === undefined ? writers : undefined },
    ];
    return occupied === undefined;
  }

  /** Who asks to execute the next program is done with the one before. To be called before the event is looked at. */
  goOn({ kind, pid }: AskedEvent): void {
    if (kind !== 'exec' || this.#programs.length === 0) return;
    const isAlone = this.#namesThreads || threadsOf(pid).length <= 1;
    if (isAlone) this.#close(({ pids }) => pids.length === 1 && pids[0] === pid);
  }

  /**
   * Closes those that are not needed any more.
   * @param now `clock`
   * @returns paths of what somebody may have written before it was executed, as who executes was kept from running
   */
  letGo(now: number): readonly (Uint8Array | undefined)[] {
    this.#close(({ threads }) => !threads.some(isOnItsWay));
    const overdue = this.#programs.filter(({ writers }) => writers?.mayHaveGoneOn(now));
    const paths = overdue.map(({ fd }) => descriptorPath(fd));
    this.#close((program) => overdue.includes(program));
    return paths;
  }

  end(): void {
    this.#close(() => true);
  }

  #close(isOver: (program: Executing) => boolean): void {
    if (this.#programs.length === 0) return;
    const over = this.#programs.filter(isOver);
    for (const { fd } of over) this.#release(fd);
    this.#programs = this.#programs.filter((program) => !over.includes(program));
  }
}

/** By its own time: one that gets no processor has not executed yet, however long it takes. */
function isOnItsWay({ id, before }: ExecutingThread): boolean {
  return isExecuting(id) && computedFor(id) - before < LONGEST_NS;
}

/**
 * Whether the bytes that are about to be executed may be others than those of the verdict. Where writers were kept off all
 * the time they are not.
 * @param now `clock`
 */
export function isOutdated(
  { lead, allowed, stamp, isDoubtful, writers, occupied }: Job,
  status: FileStatus,
  now: number,
): boolean {
  if (lead.kind !== 'exec' || !allowed || stamp === undefined || occupied !== undefined) return false;
  if (isDoubtful) return true;
  return writers === undefined ? !status.read(lead.fd).matches(stamp) : writers.areOverdue(now);
}
