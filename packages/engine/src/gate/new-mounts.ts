import { chooseMounts, mountAt, readMounts } from '@assay/linux/mounts';

/** A program can run from a new mount before it is found: fanotify tells of no mount in time. */
const LOOK_EVERY_MS = 500;

export interface NewMountsOptions {
  /** Paths whose mounts are watched already. */
  readonly watched: readonly string[];
  /** Whether the file system of `/` may be among those that appear, by a bind mount. */
  readonly allowRootFileSystem: boolean;
  /** @throws Error where it cannot be watched */
  readonly mark: (path: string) => void;
  readonly log: (line: string) => void;
}

/** Finds file systems that are mounted at or below a watched path later, and has them watched, too. */
export class NewMounts {
  readonly #options: NewMountsOptions;
  readonly #timer: NodeJS.Timeout;
  /** Devices of file systems that are watched, or that could not be. */
  #known: ReadonlySet<string> = new Set();

  constructor(options: NewMountsOptions) {
    this.#options = options;
    const mounts = readMounts();
    this.#known = new Set(options.watched.flatMap((path) => mountAt(mounts, path)?.device ?? []));
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  look(): void {
    const { watched, allowRootFileSystem, mark, log } = this.#options;
    const mounts = readMounts();
    const present = new Set(mounts.map(({ device }) => device));
    // A device number that is free goes to the next file system.
    const known = new Set([...this.#known].filter((device) => present.has(device)));
    const root = allowRootFileSystem ? undefined : mountAt(mounts, '/')?.device;
    const inside = mounts.filter(({ mountPoint }) =>
      watched.some((path) => isBelow(mountPoint.toString('utf8'), path)),
    );
    for (const path of chooseMounts(inside).chosen) {
      const device = mountAt(mounts, path)?.device;
      if (device === undefined || device === root || known.has(device)) continue;
      known.add(device);
      try {
        mark(path);
        log(`${JSON.stringify(path)} was mounted and is watched from now on`);
      } catch (error) {
        log(`${JSON.stringify(path)} was mounted and is not watched: ${String(error)}`);
      }
    }
    this.#known = known;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function isBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(top.endsWith('/') ? top : `${top}/`);
}
