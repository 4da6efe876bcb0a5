import { existsSync } from 'node:fs';

/** Tells the threads of this process from those of others. */
export class OwnThreads {
  /** One that ended may leave its number to another process, but not before all other numbers were given away. */
  readonly #own = new Set<number>();
  /** Known for as long as that holds for certain of them, too: until `forget`. */
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

  /** To be called a few times in a second: in between, a number does not go from another process to this one. */
  forget(): void {
    this.#others.clear();
  }
}
