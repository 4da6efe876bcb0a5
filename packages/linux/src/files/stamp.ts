import { constants } from 'node:fs';
import { callFailed, fstatfs, lastErrno, Pinned, statx } from '../libc/index.ts';
import type { FileIdentity } from './identity.ts';

/** include/uapi/linux/fcntl.h and include/uapi/linux/stat.h */
const AT_EMPTY_PATH = 0x1000;
/** STATX_BASIC_STATS | STATX_BTIME | STATX_SUBVOL */
const WANTED = 0x8fff;
const STATX_BYTES = 256;
/** A struct statfs lies behind it: of 64-bit machines. */
const STATFS_BYTES = 120;
/** Bytes of its f_fsid, which on btrfs is of the UUID of the file system and the number of the subvolume. */
const FILE_SYSTEM = [STATX_BYTES + 56, STATX_BYTES + 60] as const;

/**
 * Bytes of struct statx: device, inode and birth time say which file it is, size and ctime which state of it. Where file systems
 * have subvolumes (btrfs), each has a device number that another one gets when it is gone, and snapshots take all the rest along:
 * so the number of the subvolume, which is not given again, and the identity of the file system belong to it. Owner and group
 * change with the ctime; but a mount that maps ids (mount_setattr(2)) shows others of the same file.
 */
const IDENTITY = [136, 140, 32, 36, 80, 84, 88, 160, 164, ...FILE_SYSTEM] as const;
const STATE = [20, 24, 40, 44, 96, 100, 104] as const;
const WORDS = [...IDENTITY, ...STATE].map((offset) => offset / 4);
/** Bytes and words of struct statx. */
const MODE = 28;
const [LINKS, OWNER, GROUP, INODE_LOW, SIZE_LOW, SIZE_HIGH, BIRTH, CHANGE, DEVICE] = [4, 5, 6, 8, 10, 11, 20, 24, 34];
const SUBVOLUME = 40;
const TWO_32 = 0x1_0000_0000;
const NS_PER_SECOND = 1_000_000_000n;

/** Words that tell states of files apart; compared by `sameFile` and `sameState`. */
export type Stamp = Uint32Array<ArrayBuffer>;

/** Whether both are of one inode, and not of two that had the same number one after the other. */
export function sameFile(a: Stamp, b: Stamp): boolean {
  return isEqual(a, b, 0, IDENTITY.length);
}

/** Whether, of one inode, neither content nor metadata changed, as far as the kernel tells. */
export function sameState(a: Stamp, b: Stamp): boolean {
  return isEqual(a, b, IDENTITY.length, WORDS.length);
}

function isEqual(a: Stamp, b: Stamp, from: number, to: number): boolean {
  for (let word = from; word < to; word++) if (a[word] !== b[word]) return false;
  return true;
}

/** As the kernel keeps it. */
export interface ChangeTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** When the file of a stamp changed last. */
export function changeTimeOf(stamp: Stamp): ChangeTime {
  const [low = 0, high = 0, nanoseconds = 0] = stamp.subarray(-3);
  return { seconds: BigInt.asIntN(64, BigInt(low) | (BigInt(high) << 32n)), nanoseconds };
}

/** statx(2) of open files into memory of its own: allocates nothing, opens nothing. One per thread. */
export class FileStatus {
  readonly #memory = new Pinned(STATX_BYTES + STATFS_BYTES);
  readonly #words = new Uint32Array(this.#memory.bytes.buffer);
  readonly #view = new DataView(this.#memory.bytes.buffer);
  readonly #statfs = this.#memory.address + STATX_BYTES;
  readonly #empty = Pinned.text('');

  /** @throws SystemError SYSTEM-CALL */
  read(fd: number): this {
    if (statx(fd, this.#empty.address, AT_EMPTY_PATH, WANTED, this.#memory.address) < 0) {
      throw callFailed('statx', lastErrno());
    }
    if (!this.hasSubvolume) for (const offset of FILE_SYSTEM) this.#words[offset / 4] = 0;
    else if (fstatfs(fd, this.#statfs) < 0) throw callFailed('fstatfs', lastErrno());
    return this;
  }

  /** Whether the kernel says in which subvolume the file is (since 6.10, on btrfs). */
  get hasSubvolume(): boolean {
    return this.#at(SUBVOLUME) !== 0 || this.#at(SUBVOLUME + 1) !== 0;
  }

  /** One text for each file system, and for each subvolume, that is mounted at a time. */
  get fileSystem(): string {
    return [DEVICE * 4, DEVICE * 4 + 4, ...FILE_SYSTEM].map((offset) => this.#at(offset / 4)).join(':');
  }

  get isRegular(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFREG;
  }

  /** Type and permission bits. */
  get mode(): number {
    return this.#view.getUint16(MODE, true);
  }

  get owner(): number {
    return this.#at(OWNER);
  }

  get group(): number {
    return this.#at(GROUP);
  }

  /** Names that the file has. */
  get links(): number {
    return this.#at(LINKS);
  }

  /** A number that most inodes of a machine have for themselves. */
  get inodeKey(): number {
    return this.#at(INODE_LOW) + (this.#at(DEVICE + 1) & 0x1f_ffff) * TWO_32;
  }

  /** As stat(2) has it (glibc, bits/sysmacros.h). */
  get identity(): FileIdentity {
    const [major, minor] = [BigInt(this.#at(DEVICE)), BigInt(this.#at(DEVICE + 1))];
    return {
      device:
        ((major & 0xffff_f000n) << 32n) | ((major & 0xfffn) << 8n) | ((minor & 0xffff_ff00n) << 12n) | (minor & 0xffn),
      inode: this.#view.getBigUint64(INODE_LOW * 4, true),
      birthTime: this.#time(BIRTH),
      size: this.#view.getBigUint64(SIZE_LOW * 4, true),
      changeTime: this.#time(CHANGE),
    };
  }

  /** Bytes. */
  get size(): number {
    return this.#at(SIZE_LOW) + this.#at(SIZE_HIGH) * TWO_32;
  }

  /** Milliseconds since 1970, with fractions. */
  get changeTime(): number {
    return this.#at(CHANGE) * 1000 + this.#at(CHANGE + 2) / 1e6;
  }

  get changed(): ChangeTime {
    return {
      seconds: this.#view.getBigInt64(CHANGE * 4, true),
      nanoseconds: this.#at(CHANGE + 2),
    };
  }

  stamp(): Stamp {
    return Uint32Array.from(WORDS, (word) => this.#at(word));
  }

  /** Whether the file is the one of the stamp, in the state that it had. */
  matches(stamp: Stamp): boolean {
    for (let index = 0; index < WORDS.length; index++) if (stamp[index] !== this.#at(WORDS[index] ?? 0)) return false;
    return true;
  }

  /** Of a struct statx_timestamp, in nanoseconds. */
  #time(word: number): bigint {
    return this.#view.getBigInt64(word * 4, true) * NS_PER_SECOND + BigInt(this.#at(word + 2));
  }

  #at(word: number): number {
    return this.#words[word] ?? 0;
  }
}
