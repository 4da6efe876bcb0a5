import type { AskedEvent } from '@assay/linux/fanotify';
import { probeWriters } from '@assay/linux/files';
import { openFlags } from '@assay/linux/process';

const O_RDWR = 2;
const MOST = 4096;

/** Finds out for what files are opened, of which the events do not tell. */
export class Purposes {
  /** Executions that were allowed and whose second event, the opening, is still to come: thread and inode. */
  readonly #executed = new Map<number, number>();
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

  /** @returns flags of open(2); `exec` for the second event of an execution that was decided */
  flagsOf({ pid, fd }: AskedEvent, inodeKey: number): number | 'exec' {
    const isSecond = this.#executed.get(pid) === inodeKey;
    if (!this.#looksAtFlags && !isSecond) return 0;
    const flags = openFlags(pid);
    if (flags === 'exec' && isSecond) {
      this.#executed.delete(pid);
      return 'exec';
    }
    if (typeof flags === 'number') return flags;
    return flags === undefined && probeWriters(fd) === 'some' ? O_RDWR : 0;
  }

  noteAllowed({ kind, pid }: AskedEvent, inodeKey: number): void {
    if (kind !== 'exec' || !this.#hasSecondEvents) return;
    if (this.#executed.size >= MOST) this.#executed.clear();
    this.#executed.set(pid, inodeKey);
  }
}
