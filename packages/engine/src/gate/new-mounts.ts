import { closeSync, openSync } from 'node:fs';
import { chooseMounts, mountAt, readMounts } from '@assay/linux/mounts';

/** As a rule the kernel tells at once; a program can run from a new mount before it is found all the same. */
const LOOK_EVERY_MS = 500;
const O_PATH = 0o10000000;

export interface NewMountsOptions {
  /** Paths whose mounts are watched already. */
  readonly watched: readonly string[];
  /** Whether the file system of `/` may be among those that appear, by a bind mount. */
  readonly allowRootFileSystem: boolean;
  /**
   * Watches the file system of a path.
   * @returns false where it is watched already
   * @throws Error where it cannot be watched
   */
  readonly mark: (path: string) => boolean;
  readonly log: (line: string) => void;
}

/** Finds file systems that are mounted at or below a watched path later, and has them watched, too. */
export class NewMounts {
  readonly #options: NewMountsOptions;
  readonly #timer: NodeJS.Timeout;
  /** Mount points of what cannot be watched, of which was told. */
  #failed: ReadonlySet<string> = new Set();
  #isBlind = false;

  constructor(options: NewMountsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Where no descriptor is left to look with, the next time will do: what ended here would end the watch of all. */
  look(): void {
    try {
      this.#look();
      this.#isBlind = false;
    } catch (error) {
      if (!this.#isBlind) this.#options.log(`what is mounted cannot be looked at: ${String(error)}`);
      this.#isBlind = true;
    }
  }

  /** A number of a device says nothing: the next file system gets it when it is free. So each one is asked for. */
  #look(): void {
    const { watched, allowRootFileSystem } = this.#options;
    const mounts = readMounts();
    const root = allowRootFileSystem ? undefined : mountAt(mounts, '/')?.device;
    const inside = mounts.filter(({ mountPoint, device }) => device !== root && isBelowAny(mountPoint, watched));
    const { chosen } = chooseMounts(inside);
    const failed = chosen.filter((path) => !this.#watch(path));
    this.#failed = new Set(failed);
  }

  /** @returns false where it cannot be watched */
  #watch(path: string): boolean {
    const { mark, log } = this.#options;
    try {
      if (marked(path, mark)) log(`${JSON.stringify(path)} was mounted and is watched from now on`);
      return true;
    } catch (error) {
      if (!this.#failed.has(path)) log(`${JSON.stringify(path)} was mounted and is not watched: ${String(error)}`);
      return false;
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** By a descriptor: between two looks at a path it could come to mean another file system. */
function marked(path: string, mark: (path: string) => boolean): boolean {
  const fd = openSync(path, O_PATH);
  try {
    return mark(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

function isBelowAny(mountPoint: Buffer, watched: readonly string[]): boolean {
  const path = mountPoint.toString('utf8');
  return watched.some((top) => path === top || path.startsWith(top.endsWith('/') ? top : `${top}/`));
}
