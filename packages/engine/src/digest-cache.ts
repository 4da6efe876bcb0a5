import {
  fileIdentity,
  fileSystemMagic,
  hashFile,
  identityKey,
  probeWriters,
  type HashOutcome,
} from '@assay/linux/files';
import { isSettled } from './settled.ts';

/** What the engine hashes with: the digest of `d-ng`. */
const ALGORITHMS = ['sha256'] as const;

/**
 * ext4, btrfs (include/uapi/linux/magic.h): on these a store through a shared mapping changes the ctime. On tmpfs
 * it does not, on xfs files can exchange their content (XFS_IOC_SWAPEXT), overlayfs answers for another file system, and a FUSE or network server says what it likes.
 */
const CACHED_FILE_SYSTEMS = new Set([0xef53, 0x9123683e]);

const NS_PER_MS = 1e6;

/** Digests of files that provably did not change since they were hashed. The oldest goes when there are too many. */
export class DigestCache {
  readonly #digests = new Map<string, Uint8Array>();
  readonly #limit: number;

  constructor(limit = 16_384) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#digests.size;
  }

  /** The times by which files are known may be those of other states. */
  forget(): void {
    this.#digests.clear();
  }

  /** SHA-256 of an open file, by `hashFile` where it is not known. @throws as `hashFile` */
  digestOf(fd: number, giveUp: () => boolean): HashOutcome {
    if (!CACHED_FILE_SYSTEMS.has(fileSystemMagic(fd))) return hashFile(fd, ALGORITHMS, giveUp);
    // The device number names one file system for as long as the engine watches it: the watch ends with the superblock.
    const identity = fileIdentity(fd);
    const key = identityKey(identity);
    const known = this.#digests.get(key);
    if (known !== undefined) return { outcome: 'hashed', digests: new Map([['sha256', known]]), identity };
    // Identity first, then the probe: a change in between then shows in the identity after hashing.
    const mayKeep = isSettled(Number(identity.changeTime) / NS_PER_MS) && probeWriters(fd) === 'none';
    const found = hashFile(fd, ALGORITHMS, giveUp);
    if (mayKeep && found.outcome === 'hashed' && identityKey(found.identity) === key && probeWriters(fd) === 'none') {
      this.#keep(key, found.digests.get('sha256'));
    }
    return found;
  }

  #keep(key: string, digest: Uint8Array | undefined): void {
    if (digest === undefined) return;
    const [oldest] = this.#digests.keys();
    if (oldest !== undefined && this.#digests.size >= this.#limit) this.#digests.delete(oldest);
    this.#digests.set(key, digest);
  }
}
