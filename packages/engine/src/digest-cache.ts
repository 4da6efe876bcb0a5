import { fileSystemMagic, FileStatus, hashFile, probeWriters, type HashOutcome } from '@assay/linux/files';
import { hasHonestTimes } from './honest-times.ts';
import { isSettled } from './settled.ts';

/** What the engine hashes with: the digest of `d-ng`. */
const ALGORITHMS = ['sha256'] as const;

/** Digests of files that provably did not change since they were hashed. The oldest goes when there are too many. */
export class DigestCache {
  readonly #digests = new Map<string, Uint8Array>();
  readonly #status = new FileStatus();
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
    const { identity, changeTime } = this.#status.read(fd);
    if (!hasHonestTimes(fileSystemMagic(fd) >>> 0, this.#status)) return hashFile(fd, ALGORITHMS, giveUp);
    // The device number names one file system for as long as the engine watches it: the watch ends with the superblock.
    const stamp = this.#status.stamp();
    const key = stamp.join();
    const known = this.#digests.get(key);
    if (known !== undefined) return { outcome: 'hashed', digests: new Map([['sha256', known]]), identity };
    // Identity first, then the probe: a change in between then shows in the identity after hashing.
    const mayKeep = isSettled(changeTime) && probeWriters(fd) === 'none';
    const found = hashFile(fd, ALGORITHMS, giveUp);
    if (mayKeep && found.outcome === 'hashed' && probeWriters(fd) === 'none' && this.#status.read(fd).matches(stamp)) {
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
