import type { AskedEvent } from '@assay/linux/fanotify';
import { probeWriters } from '@assay/linux/files';
import { openFlags } from '@assay/linux/process';
import { MAY_ONLY_READ } from '../decision/hooks.ts';
import { clock } from './clock.ts';

const O_RDWR = 2;
const MOST = 4096;
/** From its event to its waiting a thread takes microseconds, or as long as others have its processor. */
const PATIENCE_MS = 500;

/** Finds out for what files are opened, of which the events do not tell. */
export class Purposes {
  /** Executions that were allowed and whose second event, the opening, is still to come: thread and inode. */
  readonly #executed = new Map<number, number>();
  /** Until when threads are waited for that do not wait yet. */
  readonly #ends = new WeakMap<AskedEvent, number>();
  readonly #hasSecondEvents: boolean;
  readonly #looksAtFlags: boolean;

  /**
   * @param hasSecondEvents whether the opening of what is executed is an event of its own
   * @param looksAtFlags whether it matters for what a file is opened
   */
  constructor(hasSecondEvents: boolean, looksAtFlags: boolean) {
    this.#hasSecondEvents = hasSecondEvents;
    this.#looksAtFlags = looksAtFlags;
  }

  /**
   * @returns flags of open(2); `exec` for the second event of an execution that was decided; `running` where the thread
   *   does not wait yet, so that it cannot be told: it is to be asked about once more
   */
  flagsOf(event: AskedEvent, inodeKey: number): number | 'exec' | 'running' {
    const { pid, fd } = event;
    const isSecond = this.#executed.get(pid) === inodeKey;
    if (!this.#looksAtFlags && !isSecond) return 0;
    const flags = openFlags(pid);
    if (flags === 'running' && this.#mayWait(event)) return flags;
    if (flags === 'exec') {
      if (isSecond) this.#executed.delete(pid);
      return isSecond ? flags : 0;
    }
    return typeof flags === 'number' ? flags : unknownFlags(fd);
  }

  #mayWait(event: AskedEvent): boolean {
    const now = clock();
    const end = this.#ends.get(event) ?? now + PATIENCE_MS;
    this.#ends.set(event, end);
    return now < end;
  }

  noteAllowed({ kind, pid }: AskedEvent, inodeKey: number): void {
    if (kind !== 'exec' || !this.#hasSecondEvents) return;
    if (this.#executed.size >= MOST) this.#executed.clear();
    this.#executed.set(pid, inodeKey);
  }
}

/** Who opens a file for writing counts as a writer by now, and so do all others: it is asked about as for both. */
function unknownFlags(fd: number): number {
  return probeWriters(fd) === 'some' ? O_RDWR | MAY_ONLY_READ : 0;
}
