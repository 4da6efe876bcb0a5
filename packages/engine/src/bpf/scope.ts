import { closeSync, openSync } from 'node:fs';
import type { BpfMap } from '@assay/linux/bpf';
import { fileSystemMagic } from '@assay/linux/files';
import { mountIdOf, readMounts, visibleMounts } from '@assay/linux/mounts';

const MINOR_BITS = 20;
const O_PATH = 0o10000000;

/** include/uapi/linux/magic.h: ext2 to ext4, xfs, btrfs, f2fs, tmpfs, ramfs, squashfs, erofs, ISO 9660, FAT, exFAT */
const TELLING: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x01021994, 0x858458f6, 0x73717368, 0xe0f5e1e2, 0x9660, 0x4d44,
  0x2011bab0,
]);

/**
 * Whether who changes a file there has to open for writing, or to cut, the very inode that is executed, so that the programs in
 * the kernel see it. Below an overlayfs, behind FUSE and on servers others can change what is here the same inode.
 * @param magic number of the file system, 32 bits
 */
export function tellsOfWriters(magic: number): boolean {
  return TELLING.has(magic);
}

/** Numbers of the devices whose files are in the scope of the gate, whoever uses them. */
export class Scope {
  readonly #devices: BpfMap;
  readonly #numbers = new Set<string>();
  /** Ids of mounts that were looked at since mounts changed last. */
  readonly #seen = new Set<number>();

  constructor(devices: BpfMap) {
    this.#devices = devices;
  }

  /**
   * Takes in the file system that is mounted there, if changes of its files can be seen.
   * @throws SystemError SYSTEM-CALL; FormatError MOUNT-LINE
   */
  add(path: string): void {
    const fd = openSync(path, O_PATH);
    try {
      this.#add(fd);
    } finally {
      closeSync(fd);
    }
  }

  #add(fd: number): void {
    const id = mountIdOf(fd);
    if (id === undefined || this.#seen.has(id)) return;
    this.#seen.add(id);
    const device = readMounts().find((mount) => mount.id === id)?.device;
    if (device === undefined || !tellsOfWriters(fileSystemMagic(fd) >>> 0)) return;
    this.#numbers.add(device);
    this.#setKey(device);
    this.#devices.update();
  }

  /**
   * To be called when mounts changed: a number that no mount has any more, or that another file system has got, is nobody's.
   * @param isWatched asked about paths of mounts
   * @throws SystemError SYSTEM-CALL; FormatError MOUNT-LINE
   */
  prune(isWatched: (path: string) => boolean): void {
    this.#seen.clear();
    const mounts = readMounts();
    const visible = new Set(visibleMounts(mounts));
    for (const number of this.#numbers) {
      const its = mounts.filter(({ device }) => device === number);
      const isOurs = ({ mountPoint }: (typeof its)[number]): boolean => isWatched(mountPoint.toString('utf8'));
      if (its.length > 0 && its.every((mount) => !visible.has(mount) || isOurs(mount))) continue;
      this.#numbers.delete(number);
      this.#setKey(number);
      this.#devices.remove();
    }
  }

  #setKey(device: string): void {
    const [major = 0, minor = 0] = device.split(':').map(Number);
    this.#devices.key.writeUInt32LE(major * 2 ** MINOR_BITS + minor);
  }
}
