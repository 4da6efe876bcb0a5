import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { lockFile, makePrivateDirectory } from '@assay/linux/files';
import { ARCHIVE_LINK, segmentName } from '@assay/linux/lists';

export interface ArchiveOptions {
  /** Where parts of the list go; made if it is missing, and kept for its owner alone. */
  readonly directory: string;
  /** Bytes that the files of the list may take in the engine's own directory. */
  readonly size: number;
}

/** What an engine tells of its archive. */
export interface ArchiveStatus {
  readonly directory: string;
  /** Bytes that the list may take in the engine's directory. */
  readonly size: number;
  /** Of the list, that are in the archive, and in how many segments. */
  readonly entries: number;
  readonly segments: number;
  /** Why the newest part is not there. */
  readonly problem?: string;
}

const SEGMENT = /^segment-\d{6,}$/;

/**
 * An engine that starts writes all files anew beside the old ones, and what a TPM that was restarted leaves over stays beside,
 * too: so each of the three may take a third of the room.
 */
const SHARE = 3;

/** Where the engine puts the beginning of its list, in segments that do not change any more. */
export class Archive {
  readonly directory: string;
  readonly size: number;
  readonly #unlock: () => void;
  /** Of the list, from which on it is tried. */
  #due: number;
  problem: string | undefined;

  private constructor(directory: string, size: number, unlock: () => void) {
    this.directory = directory;
    this.size = size;
    this.#unlock = unlock;
    this.#due = size / SHARE;
  }

  /**
   * @param beside directory of the list, which gets a link to the archive
   * @param isNew the list begins: what is there is of an earlier boot and goes to `previous/`
   * @throws SystemError ENGINE-ARCHIVE; Error of the file system
   */
  static open({ directory: given, size }: ArchiveOptions, beside: string, isNew: boolean): Archive {
    const directory = resolve(given);
    makePrivateDirectory(directory);
    const found = lstatSync(directory);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) {
      throw new SystemError('ENGINE-ARCHIVE', `${directory} is not a directory of the user who runs the engine`);
    }
    chmodSync(directory, 0o700);
    const unlock = lockFile(join(directory, 'lock'));
    if (unlock === undefined) throw new SystemError('ENGINE-ARCHIVE', `another engine writes to ${directory}`);
    try {
      if (isNew) setAside(directory);
      link(directory, join(beside, ARCHIVE_LINK));
    } catch (error) {
      unlock();
      throw error;
    }
    return new Archive(directory, size, unlock);
  }

  /** Whether the list shall be shortened. @param bytes that its files take */
  isDue(bytes: number): boolean {
    return bytes > this.#due;
  }

  /**
   * Keeps a part of the list, as it is in the file of the archive's bank. It is not forced to the disk: what loses the memory
   * of this machine clears its PCRs, too, and with them all use of the list.
   * @returns its SHA-256
   */
  store(segment: number, content: Uint8Array): Uint8Array {
    const beside = join(this.directory, '.segment.new');
    rmSync(beside, { force: true });
    writeFileSync(beside, content, { mode: 0o640, flag: 'wx' });
    renameSync(beside, join(this.directory, segmentName(segment)));
    return createHash('sha256').update(content).digest();
  }

  /** It worked. */
  settle(): void {
    this.#due = this.size / SHARE;
    this.problem = undefined;
  }

  /** It did not: the list stays as it is, and grows some more before it is tried again. @param bytes that its files take */
  postpone(bytes: number, problem: string): void {
    this.#due = bytes + this.size / SHARE / SHARE;
    this.problem = problem;
  }

  close(): void {
    this.#unlock();
  }
}

/** Of the boot before; the one before that is lost. */
function setAside(directory: string): void {
  const names = readdirSync(directory).filter((name) => SEGMENT.test(name));
  if (names.length === 0) return;
  const previous = join(directory, 'previous');
  rmSync(previous, { recursive: true, force: true });
  mkdirSync(previous, { mode: 0o700 });
  for (const name of names) renameSync(join(directory, name), join(previous, name));
}

function link(directory: string, path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readlinkSync(path);
  if (there === undefined) symlinkSync(directory, path);
  else if (there !== directory) {
    throw new SystemError('ENGINE-ARCHIVE', `the list of this boot has its archive in ${there}, not in ${directory}`);
  }
}
