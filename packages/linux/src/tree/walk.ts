import { closeSync, constants, fstatSync, readdirSync, statfsSync, type Dirent } from 'node:fs';
import { globMatcher } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { constants as os } from 'node:os';
import { callFailed, lastErrno, openat, Pinned } from '../libc/index.ts';
import type { XattrTarget } from '../xattr/index.ts';

export interface TreeOptions {
  /** Patterns of `globMatcher` (core): of what is no directory, at least one must match, unless there is none. */
  readonly include: readonly string[];
  /** Files and directories that match one are left out, directories with all that is in them. */
  readonly exclude: readonly string[];
  /** Stay on the file systems of the roots. */
  readonly oneFileSystem: boolean;
}

/** A regular file, open for reading: whoever takes it closes it. */
export interface OpenedFile {
  readonly kind: 'file';
  readonly path: Buffer;
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
}

/** Something that could not be opened or read. */
export interface TreeProblem {
  readonly kind: 'problem';
  readonly path: Buffer;
  readonly error: Error;
}

/** Anything else, or a further name of a file. What it is has to be looked at before the walk goes on. */
export interface TreeObject {
  readonly kind: 'object';
  readonly path: Buffer;
  /** An open descriptor, or the bytes of a path whose last part is not followed. */
  readonly target: XattrTarget;
  /** Why it could not be opened: its content is not known. */
  readonly error?: Error;
}

/** What was met and not given out, with the reason. */
export interface SkippedCounts {
  /** Neither file, directory nor link: sockets, pipes, devices. */
  special: number;
  symbolicLinks: number;
  /** Further names of files that were given out. */
  hardLinks: number;
  excluded: number;
  /** Directories of other file systems, or of those that hold no files, such as /proc. */
  fileSystems: number;
}

const { AT_FDCWD, DEPTH_LIMIT } = { AT_FDCWD: -100, DEPTH_LIMIT: 200 } as const;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY, O_NOCTTY } = constants;
const O_CLOEXEC = 0o2000000;
const FILE_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
const DIRECTORY_FLAGS = O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC;
const SLASH = 0x2f;

/** Kernel views without files of their own, by their magic numbers (include/uapi/linux/magic.h). */
const VIEWS = new Set([
  0x9fa0, 0x6265_6572, 0x6467_6572, 0x7363_6673, 0x6462_6720, 0x7472_6163, 0x6367_7270, 0x27_e0eb, 0x1cd1, 0xcafe_4a11,
  0x6265_6570, 0xf97c_ff8c, 0x4341_5d53, 0xde5e_81e4, 0x1980_0202, 0x4249_4e4d, 0x6165_676c, 0x6e73_6673,
]);

type Found = OpenedFile | TreeProblem | TreeObject;

interface Directory {
  readonly path: Buffer;
  readonly fd: number;
  readonly device: number;
  readonly entries: readonly Dirent<Buffer>[];
  next: number;
}

/**
 * The regular files below the roots, each once, in the order of the bytes of their names. Every step goes through the
 * descriptor of the directory above, and no link is followed: a name that is changed meanwhile never leads elsewhere.
 */
export class TreeWalk {
  readonly skipped: SkippedCounts = { special: 0, symbolicLinks: 0, hardLinks: 0, excluded: 0, fileSystems: 0 };
  readonly #options: TreeOptions;
  readonly #included: readonly ((path: string) => boolean)[];
  readonly #excluded: readonly ((path: string) => boolean)[];
  readonly #linked = new Set<string>();
  readonly #stack: Directory[] = [];
  #everything = false;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#included = options.include.map(globMatcher);
    this.#excluded = options.exclude.map(globMatcher);
  }

  /** @param roots files or directories, which must not be symbolic links themselves. To be called once. */
  *files(roots: readonly Buffer[]): Generator<OpenedFile | TreeProblem> {
    for (const each of this.#all(roots)) if (each.kind !== 'object') yield each;
  }

  /**
   * All that is there: files as `files` gives them, and directories before what is in them, links, special files and
   * further names.
   * @param roots as for `files`. To be called once.
   */
  everything(roots: readonly Buffer[]): Generator<Found> {
    this.#everything = true;
    return this.#all(roots);
  }

  *#all(roots: readonly Buffer[]): Generator<Found> {
    try {
      for (const root of roots) {
        yield* this.#root(root);
        yield* this.#below();
      }
    } finally {
      for (const { fd } of this.#stack) closeSync(fd);
    }
  }

  *#root(path: Buffer): Generator<Found> {
    if (!fits(path)) {
      const error = new SystemError('SYSTEM-CALL', 'open: a path is longer than 4095 bytes or has a zero in it');
      yield { kind: 'problem', path, error };
      return;
    }
    const fd = openedAt(AT_FDCWD, path, FILE_FLAGS);
    if (fd < 0) {
      yield problem(path, lastErrno());
      return;
    }
    if (fstatSync(fd).isDirectory()) yield* this.#enter(path, fd);
    else yield* this.#file(path, fd);
  }

  *#below(): Generator<Found> {
    for (let at = this.#stack.at(-1); at !== undefined; at = this.#stack.at(-1)) {
      const entry = at.entries[at.next];
      at.next += 1;
      if (entry === undefined) {
        closeSync(at.fd);
        this.#stack.pop();
      } else yield* this.#entry(at, entry);
    }
  }

  *#entry(above: Directory, entry: Dirent<Buffer>): Generator<Found> {
    const path = joined(above.path, entry.name);
    const opens = entry.isFile() || entry.isDirectory();
    if (!opens && !this.#everything) this.skipped[entry.isSymbolicLink() ? 'symbolicLinks' : 'special'] += 1;
    else if (this.#isExcluded(path, !entry.isDirectory())) this.skipped.excluded += 1;
    else if (opens) yield* this.#opened(above, entry, path);
    else yield { kind: 'object', path, target: targetIn(above, entry) };
  }

  *#opened(above: Directory, entry: Dirent<Buffer>, path: Buffer): Generator<Found> {
    const fd = openedAt(above.fd, entry.name, entry.isDirectory() ? DIRECTORY_FLAGS : FILE_FLAGS);
    if (fd < 0) {
      const failed = problem(path, lastErrno());
      const { error } = failed;
      yield this.#everything ? { kind: 'object', path, target: targetIn(above, entry), error } : failed;
    } else if (entry.isDirectory()) yield* this.#enter(path, fd, above.device);
    else yield* this.#file(path, fd);
  }

  #isExcluded(path: Buffer, included: boolean): boolean {
    if (this.#excluded.length + this.#included.length === 0) return false;
    const text = path.toString('utf8');
    if (this.#excluded.some((match) => match(text))) return true;
    return included && this.#included.length > 0 && !this.#included.some((match) => match(text));
  }

  *#enter(path: Buffer, fd: number, deviceAbove?: number): Generator<Found> {
    const { dev: device } = fstatSync(fd);
    if (device !== deviceAbove && this.#isForeign(fd, deviceAbove)) {
      this.skipped.fileSystems += 1;
      closeSync(fd);
      return;
    }
    try {
      if (this.#everything) yield { kind: 'object', path, target: fd };
      if (this.#stack.length >= DEPTH_LIMIT) throw new SystemError('SYSTEM-CALL', 'over 200 directories deep');
      const entries = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer', withFileTypes: true });
      entries.sort((a, b) => Buffer.compare(a.name, b.name));
      this.#stack.push({ path, fd, device, entries, next: 0 });
    } catch (error) {
      closeSync(fd);
      yield { kind: 'problem', path, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  #isForeign(fd: number, deviceAbove: number | undefined): boolean {
    if (deviceAbove !== undefined && this.#options.oneFileSystem) return true;
    return VIEWS.has(statfsSync(`/proc/self/fd/${fd}`).type >>> 0);
  }

  *#file(path: Buffer, fd: number): Generator<Found> {
    const stats = fstatSync(fd);
    if (stats.isFile() && !(stats.nlink > 1 && this.#wasMet(fd))) {
      yield { kind: 'file', path, fd, size: stats.size };
      return;
    }
    if (this.#everything) yield { kind: 'object', path, target: fd };
    else if (stats.isFile()) this.skipped.hardLinks += 1;
    else this.skipped.special += 1;
    closeSync(fd);
  }

  #wasMet(fd: number): boolean {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const key = `${dev}:${ino}`;
    const met = this.#linked.has(key);
    this.#linked.add(key);
    return met;
  }
}

function joined(above: Buffer, name: Buffer): Buffer {
  return above.at(-1) === SLASH ? Buffer.concat([above, name]) : Buffer.concat([above, Buffer.of(SLASH), name]);
}

/** Through the open directory, which nothing can move elsewhere. */
function targetIn(above: Directory, entry: Dirent<Buffer>): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${above.fd}/`), entry.name]);
}

/** PATH_MAX of include/uapi/linux/limits.h, with the zero at the end. */
const name = new Pinned(4096);

function fits(path: Buffer): boolean {
  return path.length < name.bytes.length && !path.includes(0);
}

/** Names in directories always fit. */
function openedAt(directory: number, path: Buffer, flags: number): number {
  name.bytes.set(path);
  name.bytes[path.length] = 0;
  return openat(directory, name.address, flags);
}

function problem(path: Buffer, errno: number): TreeProblem {
  const { ELOOP, EACCES } = os.errno;
  if (errno === ELOOP) {
    const error = new SystemError('SYSTEM-CALL', 'a symbolic link, which is not followed: name what it leads to');
    return { kind: 'problem', path, error };
  }
  return { kind: 'problem', path, error: callFailed('open', errno, errno === EACCES ? 'read permission' : undefined) };
}
