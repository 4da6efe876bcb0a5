import { fileSystemMagic, fileSystemUuid } from '@assay/linux/files';
import { readMounts, type Mount } from '@assay/linux/mounts';
import type { FileSystemFacts } from '../decision/contract.ts';
import type { WatchSignals } from '../watch-messages.ts';

/**
 * ext4, btrfs (include/uapi/linux/magic.h): a store through a shared mapping changes the ctime there. On xfs it does, too, but
 * XFS_IOC_SWAPEXT lets whoever may write to two files exchange their content, and leaves the ctime as it is.
 */
const HONEST_MAGICS: ReadonlySet<bigint | undefined> = new Set([0xef53n, 0x9123683en]);
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

/** File systems by their device number, looked up once for each, and again after a doubt. */
export class FileSystems {
  readonly #known = new Map<bigint, KnownFileSystem>();
  readonly #signals: Pick<WatchSignals, 'doubts'>;
  #doubts = 0;

  constructor(signals: Pick<WatchSignals, 'doubts'>) {
    this.#signals = signals;
  }

  /** @param fd of any file there */
  of(device: bigint, fd: number): KnownFileSystem {
    const { doubts } = this.#signals;
    if (doubts !== this.#doubts) this.#known.clear();
    this.#doubts = doubts;
    const known = this.#known.get(device);
    if (known !== undefined) return known;
    const found = lookUp(device, fd);
    this.#known.set(device, found);
    return found;
  }
}

function lookUp(device: bigint, fd: number): KnownFileSystem {
  const magic = BigInt(fileSystemMagic(fd)) & 0xffff_ffffn;
  const mount = mountOf(device);
  const [type, subtype = ''] = mount?.type.split(/\.(.*)/s) ?? [];
  const uuid = uuidOf(fd);
  const facts: FileSystemFacts = {
    magic,
    uuid,
    ...(type === undefined ? {} : { type, subtype }),
    ...(type !== undefined && UNVERIFIABLE.test(type) ? { unverifiable: 'trusted-mounter' } : {}),
    ...(type === 'overlay' ? { isHmacUnsupported: true } : {}),
    ...(mount?.superOptions.includes('ro') === true ? { isReadOnly: true } : {}),
  };
  return { facts, device: deviceName(mount), isHonest: HONEST_MAGICS.has(magic) };
}

function mountOf(device: bigint): Mount | undefined {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n);
  return readMounts().find((mount) => mount.device === `${major}:${minor}`);
}

function deviceName(mount: Mount | undefined): string {
  if (mount === undefined) return 'unknown';
  return mount.source.startsWith('/dev/') ? mount.source.slice('/dev/'.length) : mount.type;
}

function uuidOf(fd: number): string {
  const hex = Buffer.from(fileSystemUuid(fd) ?? new Uint8Array(16)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
