import { readSync } from 'node:fs';
import type { HashName } from '@assay/core/hash';
import type { ComputedDigest } from '@assay/core/label';
import {
  areWritersOff,
  descriptorPath,
  FileStatus,
  hashFile,
  inodeFlags,
  inodeGeneration,
  keepWritersOff,
  letWritersIn,
  probeWriters,
  type Stamp,
  type WriterProbe,
} from '@assay/linux/files';
import { readModsig, signedContentDigest } from '@assay/linux/labels';
import { measureVerity } from '@assay/linux/verity';
import { getXattr } from '@assay/linux/xattr';
import { SystemError } from '@assay/core/errors';
import { utf8 } from '@assay/core/bytes';
import type { DigestAnswer, FileState, OpenedFile, OpenedModsig, XattrAnswer } from '../decision/contract.ts';
import type { KnownFileSystem } from './file-systems.ts';
import { isSettled } from '../settled.ts';
import { clock } from './clock.ts';
import { WaitingWriters } from './waiting-writers.ts';

/** FS_IMMUTABLE_FL (include/uapi/linux/fs.h) */
const IMMUTABLE = 0x10;

/** One per thread. */
const later = new FileStatus();

export interface EventFileSetup {
  readonly fd: number;
  /** What statx told when the event was taken up. */
  readonly status: FileStatus;
  readonly fileSystem: KnownFileSystem;
  /** What is known of the content in this very state. */
  readonly digests: ReadonlyMap<HashName, Uint8Array> | undefined;
  /** Whether the opening itself is for writing. */
  readonly isWriting: boolean;
  /** Whether writers wait until the content was looked at, or as long as the descriptor is open. */
  readonly keepsWritersOff: boolean;
  /** Asked before every read of a part of the content. */
  readonly isOver: () => boolean;
}

/** The file of an event, by the descriptor that came with it: nothing is opened, and all is of one inode. */
export class EventFile implements OpenedFile {
  readonly state: FileState;
  readonly stamp: Stamp;
  readonly #setup: EventFileSetup;
  readonly #writers: WriterProbe;
  readonly #mayBeSteady: boolean;
  /** Where no writer was there and none can come. */
  readonly #waiting: WaitingWriters | undefined;
  #path: Uint8Array | undefined;
  #digests: Map<HashName, Uint8Array> | undefined;

  constructor(setup: EventFileSetup) {
    const { fd, status, fileSystem, keepsWritersOff } = setup;
    this.#setup = setup;
    this.state = stateOf(status);
    this.stamp = status.stamp();
    this.#mayBeSteady = fileSystem.isHonest && isSettled(status.changeTime);
    // After statx and before the content is looked at: a change between shows in the ctime.
    const before = clock();
    this.#writers = keepsWritersOff ? keepWritersOff(fd) : probeWriters(fd);
    if (keepsWritersOff && this.#writers === 'none') this.#waiting = new WaitingWriters(fd, before);
  }

  get fileSystem(): KnownFileSystem['facts'] {
    return this.#setup.fileSystem.facts;
  }

  get path(): Uint8Array {
    this.#path ??= pathOf(this.#setup.fd, this.state);
    return this.#path;
  }

  /** What was found out of the content by now, digests that were known before included. */
  get foundDigests(): ReadonlyMap<HashName, Uint8Array> | undefined {
    return this.#digests ?? this.#setup.digests;
  }

  device(): string {
    return this.#setup.fileSystem.device;
  }

  head(length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    try {
      return bytes.subarray(0, readSync(this.#setup.fd, bytes, 0, length, 0));
    } catch {
      return bytes.subarray(0, 0);
    }
  }

  digests(algorithms: readonly HashName[]): DigestAnswer {
    const known = this.foundDigests;
    const missing = algorithms.filter((algorithm) => known?.has(algorithm) !== true);
    if (known !== undefined && missing.length === 0) return known;
    try {
      const found = hashFile(this.#setup.fd, missing, () => this.#setup.isOver() || this.#givesWay());
      if (found.outcome === 'changing') return 'file-changing';
      if (found.outcome === 'given-up') return 'file-slow';
      this.#digests = new Map([...(known ?? []), ...found.digests]);
      return this.#digests;
    } catch {
      return 'file-unreadable';
    }
  }

  verity(): ComputedDigest | undefined {
    const measured = measureVerity(this.#setup.fd);
    return measured === undefined ? undefined : { algorithm: measured.algorithm, value: measured.digest };
  }

  xattr(name: string): XattrAnswer {
    try {
      return getXattr(this.#setup.fd, name) ?? null;
    } catch (error) {
      return error instanceof SystemError && error.code === 'XATTR-UNSUPPORTED' ? 'unsupported' : 'unreadable';
    }
  }

  generation(): number {
    return inodeGeneration(this.#setup.fd) ?? 0;
  }

  isImmutable(): boolean {
    return ((inodeFlags(this.#setup.fd) ?? 0) & IMMUTABLE) !== 0;
  }

  modsig(): OpenedModsig | undefined {
    const { fd } = this.#setup;
    try {
      const found = readModsig(fd, Number(this.state.size));
      return found === undefined ? undefined : { signed: found.signed, digest: signedContentDigest(fd, found) };
    } catch {
      return undefined; // As in the kernel, what is no signature is none (ima_modsig.c, ima_read_modsig).
    }
  }

  /** The task that opens for writing is counted by the kernel already, so that nobody else can be told from it. */
  hasWriters(): boolean | 'unknown' {
    if (this.#writers === 'unknown' || (this.#writers === 'some' && this.#setup.isWriting)) return 'unknown';
    return this.#writers === 'some';
  }

  hasReaders(): boolean | 'unknown' {
    return 'unknown';
  }

  isSteady(): boolean {
    const { fd, keepsWritersOff } = this.#setup;
    if (!this.#mayBeSteady || this.#writers !== 'none') return false;
    const isQuiet = keepsWritersOff ? areWritersOff(fd) : probeWriters(fd) === 'none';
    return isQuiet && later.read(fd).matches(this.stamp);
  }

  /** Later than when the event was taken up. */
  stateNow(): FileState {
    return stateOf(later.read(this.#setup.fd));
  }

  #givesWay(): boolean {
    return this.#waiting?.areOverdue(clock()) === true;
  }

  /** Writers were kept waiting for long enough: what was found may be of a part of the content. */
  get gaveWay(): boolean {
    return this.#waiting !== undefined && this.#waiting.looked === undefined;
  }

  /** When it was certain that no writer has come, and none can (`clock`). */
  get writersOff(): number | undefined {
    return this.#waiting?.looked;
  }

  /** What was found is found: writers need not wait any more. */
  letWritersIn(): void {
    if (this.#waiting !== undefined) letWritersIn(this.#setup.fd);
  }
}

function stateOf({ identity, owner, group, mode }: FileStatus): FileState {
  return { ...identity, owner, group, mode };
}

/** A path that is longer than a page has no other name than the inode. */
function pathOf(fd: number, { device, inode }: FileState): Uint8Array {
  return descriptorPath(fd) ?? utf8(`inode:${device}:${inode}`);
}
