import { fileSystemMagic, fileSystemUuid, type FileStatus } from '@assay/linux/files';
import { mountIdOf, readMounts, type Mount } from '@assay/linux/mounts';
import type { FileSystemFacts } from '../decision/contract.ts';
import { BTRFS, hasHonestTimes } from '../honest-times.ts';
import type { WatchSignals } from '../watch-messages.ts';

/** SB_I_IMA_UNVERIFIABLE_SIGNATURE */
const UNVERIFIABLE = /^(?:fuse|fuseblk|9p|afs|ceph|cifs|nfs4?|smb3)$/;

/** What a decision has to know of the file system of a file, and whether its ctime can be relied on. */
export interface KnownFileSystem {
  readonly facts: FileSystemFacts;
  /** As in audit records. */
  readonly device: string;
  /** Every change of a file changes its ctime: not on tmpfs, xfs, overlayfs, FUSE and what comes over a network. */
  readonly isHonest: boolean;
}

/**
 * File systems by their device number, looked up once for each, and again after a doubt. What is mounted gives rise to one; but a
 * subvolume of btrfs gets the number of another one, or of a file system that was unmounted, with no such sign.
 */
export class FileSystems {
  readonly #known = new Map<string, KnownFileSystem>();
  readonly #signals: Pick<WatchSignals, 'doubts'>;
  #doubts = 0;

  constructor(signals: Pick<WatchSignals, 'doubts'>) {
    this.#signals = signals;
  }

  /** @param fd of the file of the status */
  of(status: FileStatus, fd: number): KnownFileSystem {
    const { doubts } = this.#signals;
    if (doubts !== this.#doubts) this.#known.clear();
    this.#doubts = doubts;
    const magic = fileSystemMagic(fd) >>> 0;
    const key = `${status.fileSystem} ${magic}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = lookUp(status, fd, magic);
    this.#known.set(key, found);
    return found;
  }
}

function lookUp(status: FileStatus, fd: number, magic: number): KnownFileSystem {
  const mount = mountOf(status.identity.device, fd);
  const [type, subtype = ''] = (mount?.type ?? (magic === BTRFS ? 'btrfs' : undefined))?.split(/\.(.*)/s) ?? [];
  const uuid = uuidOf(fd);
  const facts: FileSystemFacts = {
    magic: BigInt(magic),
    uuid,
    ...(type === undefined ? {} : { type, subtype }),
    ...(type !== undefined && UNVERIFIABLE.test(type) ? { unverifiable: 'trusted-mounter' } : {}),
    ...(type === 'overlay' ? { isHmacUnsupported: true } : {}),
    ...(mount?.superOptions.includes('ro') === true ? { isReadOnly: true } : {}),
  };
  return { facts, device: deviceName(mount), isHonest: hasHonestTimes(magic, status) };
}

/** A subvolume of btrfs has another device number than its file system has in the list of mounts. */
function mountOf(device: bigint, fd: number): Mount | undefined {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  const mounts = readMounts();
  const id = mountIdOf(fd);
  return mounts.find((mount) => mount.device === `${major}:${minor}`) ?? mounts.find((mount) => mount.id === id);
}

function deviceName(mount: Mount | undefined): string {
  if (mount === undefined) return 'unknown';
  return mount.source.startsWith('/dev/') ? mount.source.slice('/dev/'.length) : mount.type;
}

function uuidOf(fd: number): string {
  const hex = Buffer.from(fileSystemUuid(fd) ?? new Uint8Array(16)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
