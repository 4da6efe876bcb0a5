import type { PermissionGroup } from '@assay/linux/fanotify';
import { FileStatus, leaseBreakTime, ReadLeases, sameFile, type Stamp } from '@assay/linux/files';
import type { KnownFile } from './verdict-cache.ts';

/** Which files are let go without an event, and how many. Plain data. */
export interface TurboSetup {
  /** Files at a time. Each holds a descriptor, and with it its file system. */
  readonly files: number;
  /** Milliseconds since the last change of a file: what is written now and then is left to the cache. */
  readonly rest: number;
}

export const TURBO: TurboSetup = { files: 16_384, rest: 10_000 };

/** Milliseconds after which a file is asked about again, so that what nobody opens any more is not held for ever. */
const HELD_FOR = 10 * 60_000;
/** Files that are looked at in one `sweep`. */
const SWEPT = 256;

/** A file of which nobody is told: an ignore mark, and the lease by whose break every writer is known before it writes. */
interface Held {
  readonly fd: number;
  readonly inodeKey: number;
  readonly stamp: Stamp;
  readonly until: number;
}

const NOBODY = { inodeKeys: [], isOverdue: false };

interface HeldOpening {
  readonly fd: number;
  readonly kind: 'exec' | 'open';
  readonly inodeKey: number;
}

/**
 * Lets openings of files that do not change go without an event. An ignore mark alone would be a way around: stores through
 * mappings and asynchronous writes do not clear it. So a mark stands only while a read lease is held, which every opening
 * for writing and every truncate waits for; the mark is taken away first. Open(2) with O_RDONLY and O_TRUNC breaks no
 * lease, but the kernel clears the mark itself then. Leases say nothing of owners, modes and labels: what depends on them
 * is not for here (`turbo-policy.ts`).
 */
export class Turbo {
  readonly #group: PermissionGroup;
  readonly #setup: TurboSetup;
  readonly #leases = new ReadLeases();
  readonly #status = new FileStatus();
  readonly #byFd = new Map<number, Held>();
  readonly #byInode = new Map<number, Held>();
  /** Milliseconds that the kernel lets a writer wait. */
  readonly #patience = leaseBreakTime();
  #swept: MapIterator<Held> | undefined;
  #breaks = 0;
  #attended = Infinity;

  constructor(group: PermissionGroup, setup: TurboSetup) {
    this.#group = group;
    this.#setup = setup;
  }

  /** Readable while a writer waits. */
  get fd(): number {
    return this.#leases.fd;
  }

  /** Files that are held. */
  get size(): number {
    return this.#byFd.size;
  }

  /** Leases that writers have waited for. */
  get breaks(): number {
    return this.#breaks;
  }

  /**
   * Lets later openings go without an event, where nothing speaks against it.
   * @param opening that the file's verdict allowed; its descriptor is taken over where the answer is true
   * @param now `clock`
   */
  hold({ fd, kind, inodeKey }: HeldOpening, file: KnownFile, now: number): boolean {
    if (!this.#isAtRest(file, fd)) return false;
    const before = this.#byInode.get(inodeKey);
    if (before !== undefined) {
      if (sameFile(before.stamp, file.stamp)) this.#ignore(before, kind);
      return false;
    }
    if (this.#byFd.size >= this.#setup.files || !this.#leases.take(fd)) return false;
    const held: Held = { fd, inodeKey, stamp: file.stamp, until: now + HELD_FOR };
    this.#byFd.set(fd, held);
    this.#byInode.set(inodeKey, held);
    this.#ignore(held, kind);
    return true;
  }

  /** An appraisal that passed rests on the label, and on owner and mode where EVM is asked. */
  #isAtRest({ memory }: KnownFile, fd: number): boolean {
    if (memory !== undefined && memory.appraisal.passed.size > 0) return false;
    return Date.now() - this.#status.read(fd).changeTime >= this.#setup.rest;
  }

  /**
   * With the lease, and the state that the verdict is of, nobody can change the content but who cuts it without breaking the
   * lease: that shows in the state after the mark is there, or clears the mark.
   */
  #ignore(held: Held, kind: HeldOpening['kind']): void {
    const isSame = (): boolean => this.#status.read(held.fd).matches(held.stamp);
    if (isSame()) {
      this.#group.ignore(held.fd, kind);
      if (isSame()) return;
    }
    this.#giveUp(held);
  }

  /**
   * Lets writers that wait go on; their files are asked about from then on. To be called often, as writers wait for it.
   * @param isWaitedFor whether the descriptor is readable
   * @param now `clock`
   * @returns keys of the inodes; `isOverdue`: a writer may have gone on without being let
   */
  letWritersGo(
    isWaitedFor: boolean,
    now: number,
  ): { readonly inodeKeys: readonly number[]; readonly isOverdue: boolean } {
    const absent = now - this.#attended;
    this.#attended = now;
    if (!isWaitedFor) return NOBODY;
    const broken = this.#leases.broken();
    const found = broken === 'all' ? [...this.#byFd.values()] : broken.flatMap((fd) => this.#byFd.get(fd) ?? []);
    this.#breaks += found.length;
    for (const held of found) this.#giveUp(held);
    return { inodeKeys: found.map(({ inodeKey }) => inodeKey), isOverdue: found.length > 0 && absent > this.#patience };
  }

  /** Gives up some of what nobody can open any more, or what was held for long. Called from time to time. */
  sweep(now: number): void {
    this.#swept ??= this.#byFd.values();
    for (let count = 0; count < SWEPT; count++) {
      const { value: held, done } = this.#swept.next();
      if (done === true) {
        this.#swept = undefined;
        return;
      }
      if (now > held.until || this.#status.read(held.fd).links === 0) this.#giveUp(held);
    }
  }

  /** Holds nothing any more; what is opened from now on may be held again. */
  release(): void {
    for (const held of this.#byFd.values()) this.#giveUp(held);
  }

  /** The mark first: with the lease goes what makes it safe. */
  #giveUp(held: Held): void {
    this.#group.heed(held.fd);
    this.#byFd.delete(held.fd);
    this.#byInode.delete(held.inodeKey);
    this.#group.release(held.fd);
  }
}
