import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, statfsSync } from 'node:fs';
import { toHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import type { EventFile } from '@assay/core/policy';
import { fileSystemUuid } from '../files/index.ts';
import { hasNoFiles, readMounts, visibleMounts, type Mount } from '../mounts/index.ts';
import { getXattr } from '../xattr/index.ts';

/** A regular file, looked at and not opened. */
export interface SurveyedFile {
  readonly kind: 'file';
  /** One character per byte. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  /** Names that the file has. */
  readonly links: number;
  /** One text per file, however many names it has. */
  readonly identity: string;
  readonly fileSystem: EventFile;
}

/** A directory below the one that is read. */
export interface SurveyedDirectory {
  readonly kind: 'directory';
  /** One character per byte. */
  readonly path: string;
}

/** Something that cannot be looked at. */
export interface SurveyProblem {
  readonly kind: 'problem';
  readonly path: string;
  readonly reason: string;
}

/** Extended attribute, that there is none, or why it is not known. */
export type SurveyedLabel = Uint8Array | null | 'unsupported' | 'unreadable';

const NOT_ASCII = /[^\0-\x7f]/;
const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
/** What was a regular file a moment ago may be a pipe now, on which open(2) would wait. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Looks at what is in directories, by path: for a picture of a tree that may change meanwhile. Symbolic links are not
 * followed; the kernel's own views of itself, such as /proc, are passed over.
 */
export class Survey {
  readonly #oneFileSystem: boolean;
  readonly #mounts: Mounts;
  readonly #fileSystems = new Map<number, EventFile>();

  /** @param oneFileSystem directories on which another file system is mounted are passed over */
  constructor(oneFileSystem: boolean) {
    this.#oneFileSystem = oneFileSystem;
    this.#mounts = mountsByPoint();
  }

  /** What stands in one directory. @param path absolute, one character per byte, no symbolic link in it */
  *directory(path: string): Generator<SurveyedFile | SurveyedDirectory | SurveyProblem> {
    try {
      const above = path === '/' ? '' : path;
      for (const entry of readdirSync(systemPath(path), { encoding: 'latin1', withFileTypes: true })) {
        const at = `${above}/${entry.name}`;
        if (entry.isDirectory()) {
          if (!this.#isPassedOver(at)) yield { kind: 'directory', path: at };
        } else if (entry.isFile()) yield this.file(at);
      }
    } catch (error) {
      yield problem(path, error);
    }
  }

  /** One file. @param path as for {@link directory} */
  file(path: string): SurveyedFile | SurveyProblem {
    try {
      const { size, mode, uid, gid, nlink, dev, ino } = lstatSync(systemPath(path));
      const fileSystem = this.#fileSystems.get(dev) ?? this.#look(dev, path);
      const identity = `${dev}:${ino}`;
      return { kind: 'file', path, size, mode, owner: uid, group: gid, links: nlink, identity, fileSystem };
    } catch (error) {
      return problem(path, error);
    }
  }

  #isPassedOver(path: string): boolean {
    const mount = this.#mounts.get(path);
    return mount !== undefined && (this.#oneFileSystem || hasNoFiles(mount.type));
  }

  #look(device: number, path: string): EventFile {
    const found = factsOf(path, this.#mounts);
    this.#fileSystems.set(device, found);
    return found;
  }
}

type Mounts = ReadonlyMap<string, Mount>;

/** Mounts that paths lead to, by their points. */
function mountsByPoint(): Mounts {
  return new Map(visibleMounts(readMounts()).map((mount) => [mount.mountPoint.toString('latin1'), mount]));
}

/**
 * What conditions look at in the file system of a file.
 * @param path absolute, one character per byte, no symbolic link in it
 * @throws Error of statfs(2)
 */
export function fileSystemFacts(path: string): EventFile {
  return factsOf(path, mountsByPoint());
}

function factsOf(path: string, mounts: Mounts): EventFile {
  const magic = BigInt.asUintN(64, statfsSync(systemPath(path), { bigint: true }).type);
  const mount = mountOf(path, mounts);
  const uuid = uuidOf(path);
  return {
    magic,
    ...(mount === undefined ? {} : fileSystemType(mount.type)),
    ...(uuid === undefined ? {} : { uuid }),
  };
}

function mountOf(path: string, mounts: Mounts): Mount | undefined {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const mount = mounts.get(at);
    if (mount !== undefined) return mount;
  }
  return mounts.get('/');
}

/** Undefined where the file cannot be opened, or its file system does not tell. */
function uuidOf(path: string): string | undefined {
  const bytes = opened(path, fileSystemUuid);
  if (bytes === undefined) return undefined;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Undefined where it cannot be opened, or the work fails. */
function opened<T>(path: string, work: (fd: number) => T): T | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(systemPath(path), OPEN_FLAGS);
    return work(fd);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** `fuse.sshfs` is the type `fuse` with the subtype `sshfs`. */
export function fileSystemType(text: string): { type: string; subtype: string } {
  const point = text.indexOf('.');
  return point < 0 ? { type: text, subtype: '' } : { type: text.slice(0, point), subtype: text.slice(point + 1) };
}

/** security.ima of a file. @param path one character per byte */
export function imaLabel(path: string): SurveyedLabel {
  try {
    return getXattr(Buffer.from(path, 'latin1'), 'security.ima') ?? null;
  } catch (error) {
    return error instanceof SystemError && error.code === 'XATTR-UNSUPPORTED' ? 'unsupported' : 'unreadable';
  }
}

/** Whether a file begins as ELF files do; false where it cannot be read. @param path one character per byte */
export function isElf(path: string): boolean {
  return opened(path, beginsAsElf) ?? false;
}

function beginsAsElf(fd: number): boolean {
  const head = Buffer.alloc(ELF_MAGIC.length);
  return readSync(fd, head) === head.length && head.equals(ELF_MAGIC);
}

/** Strings are quicker, and wrong for what is not ASCII. */
function systemPath(path: string): string | Buffer {
  return NOT_ASCII.test(path) ? Buffer.from(path, 'latin1') : path;
}

function problem(path: string, error: unknown): SurveyProblem {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return { kind: 'problem', path, reason };
}
