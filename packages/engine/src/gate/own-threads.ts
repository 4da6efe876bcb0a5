import { existsSync } from 'node:fs';

/** Tells the threads of this process from those of others. */
export class OwnThreads {
  /** Known until `forget`: a thread that ended leaves its number to another process, when all others were given away. */
  readonly #own = new Set<number>();
  readonly #others = new Set<number>();

  /** @param id of a process, or of a thread */
  has(id: number, isThread: boolean): boolean {
    if (!isThread || id === process.pid) return id === process.pid;
    if (this.#own.has(id)) return true;
    if (this.#others.has(id)) return false;
    const isOwn = existsSync(`/proc/self/task/${id}`);
    (isOwn ? this.#own : this.#others).add(id);
    return isOwn;
  }

  /** To be called a few times in a second: in between, a number does not go from one process to another. */
  forget(): void {
    this.#own.clear();
    this.#others.clear();
  }
}
