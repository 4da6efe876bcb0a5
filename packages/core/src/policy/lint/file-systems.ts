/**
 * What a file system holds: `pseudo` what the kernel makes up, which changes from read to read and carries no label;
 * `memory` what is gone with a restart; `files` files that last, on disks, in images or on servers.
 */
export type FileSystemKind = 'pseudo' | 'memory' | 'files';

export interface FileSystem {
  readonly magic: bigint;
  /** Names in /proc/filesystems, the most common one first; then other names that people write. */
  readonly names: readonly [string, ...string[]];
  readonly kind: FileSystemKind;
}

type Row = readonly [magic: bigint, names: string];

/** include/uapi/linux/magic.h, and the headers of file systems whose numbers are not there. */
const PSEUDO: readonly Row[] = [
  [0x9fa0n, 'proc procfs'],
  [0x6265_6572n, 'sysfs'],
  [0x6462_6720n, 'debugfs'],
  [0x7472_6163n, 'tracefs'],
  [0x1cd1n, 'devpts'],
  [0x4249_4e4dn, 'binfmt_misc binfmtfs'],
  [0x7363_6673n, 'securityfs'],
  [0xf97c_ff8cn, 'selinuxfs selinux'],
  [0x4341_5d53n, 'smackfs smack'],
  [0x5a3c_69f0n, 'apparmorfs aafs'],
  [0x0027_e0ebn, 'cgroup cgroupfs'],
  [0x6367_7270n, 'cgroup2 cgroup2fs'],
  [0x6e73_6673n, 'nsfs'],
  [0xde5e_81e4n, 'efivarfs efivars'],
  [0x6265_6570n, 'configfs'],
  [0xcafe_4a11n, 'bpf bpffs bpf_fs'],
  [0x6165_676cn, 'pstore pstorefs'],
  [0x0765_5821n, 'resctrl rdtgroup'],
  [0x1980_0202n, 'mqueue'],
  [0x0187n, 'autofs autofs4'],
  [0x6759_6969n, 'rpc_pipefs'],
  [0x6e66_7364n, 'nfsd'],
  [0x6c6f_6f70n, 'binder binderfs'],
  [0x9fa1n, 'openpromfs openprom'],
  [0x9fa2n, 'usbfs usbdevice'],
  [0xabba_1974n, 'xenfs'],
  [0x0a64_7361n, 'functionfs'],
  [0xaee7_1ee7n, 'gadgetfs'],
  [0x6f70_726fn, 'oprofilefs'],
  [0x23c9_b64en, 'spufs'],
  [0x6264_6576n, 'bdev bdevfs'],
  [0x5049_5045n, 'pipefs'],
  [0x534f_434bn, 'sockfs'],
  [0x0bad_1dean, 'futexfs'],
  [0x0904_1934n, 'anon_inodefs anon_inode_fs'],
  [0x1130_7854n, 'mtd_inodefs mtd_inode_fs'],
  [0x6461_7864n, 'daxfs'],
  [0x444d_4142n, 'dmabuf dma_buf'],
  [0x454d_444dn, 'devmem'],
  [0x5345_434dn, 'secretmem'],
  [0x5049_4446n, 'pidfs pid_fs'],
  [0x474d_454dn, 'guest_memfd'],
];

const MEMORY: readonly Row[] = [
  [0x0102_1994n, 'tmpfs devtmpfs shmem shm'],
  [0x8584_58f6n, 'ramfs'],
  [0x9584_58f6n, 'hugetlbfs'],
];

const FILES: readonly Row[] = [
  [0xef53n, 'ext4 ext3 ext2'],
  [0x5846_5342n, 'xfs'],
  [0x9123_683en, 'btrfs'],
  [0x7372_7279n, 'btrfs_test_fs btrfs_test'],
  [0xf2f5_2010n, 'f2fs'],
  [0xca45_1a4en, 'bcachefs'],
  [0x794c_7630n, 'overlay overlayfs ovl'],
  [0x6175_6673n, 'aufs'],
  [0x7371_7368n, 'squashfs'],
  [0xe0f5_e1e2n, 'erofs'],
  [0x28cd_3d45n, 'cramfs'],
  [0x453d_cd28n, 'cramfs cramfs_magic_wend'],
  [0x7275n, 'romfs'],
  [0x2fc1_2fc1n, 'zfs'],
  [0x6573_5546n, 'fuse fuseblk virtiofs fusefs'],
  [0x6969n, 'nfs nfs4'],
  [0xff53_4d42n, 'cifs smb3'],
  [0xfe53_4d42n, 'smb2'],
  [0x517bn, 'smb smbfs'],
  [0x0102_1997n, '9p v9fs'],
  [0x00c3_6400n, 'ceph'],
  [0x5346_414fn, 'afs'],
  [0x6b41_4653n, 'k-afs kafs'],
  [0x7375_7245n, 'coda'],
  [0x0bd0_0bd3n, 'lustre'],
  [0x4750_4653n, 'gpfs'],
  [0x1983_0326n, 'beegfs fhgfs'],
  [0x2003_0528n, 'pvfs2 orangefs'],
  [0x0116_1970n, 'gfs2'],
  [0x7461_636fn, 'ocfs2'],
  [0x786f_4256n, 'vboxsf'],
  [0x00c0_ffeen, 'hostfs'],
  [0x4d44n, 'vfat msdos fat'],
  [0x2011_bab0n, 'exfat'],
  [0x5346_544en, 'ntfs'],
  [0x7366_746en, 'ntfs3'],
  [0x9660n, 'iso9660 isofs'],
  [0x1501_3346n, 'udf'],
  [0x3434n, 'nilfs2 nilfs'],
  [0x3153_464an, 'jfs'],
  [0x5265_4973n, 'reiserfs'],
  [0xf15fn, 'ecryptfs'],
  [0x2405_1905n, 'ubifs'],
  [0x72b6n, 'jffs2'],
  [0x5a4f_4653n, 'zonefs'],
  [0x482bn, 'hfsplus'],
  [0x4244n, 'hfs'],
  [0x0001_1954n, 'ufs'],
  [0x1954_0119n, 'ufs2'],
  [0xadf5n, 'adfs'],
  [0xadffn, 'affs'],
  [0x4246_5331n, 'befs'],
  [0x1bad_facen, 'bfs'],
  [0x0041_4a53n, 'efs'],
  [0xf995_e849n, 'hpfs'],
  [0x137fn, 'minix'],
  [0x138fn, 'minix'],
  [0x2468n, 'minix'],
  [0x2478n, 'minix'],
  [0x4d5an, 'minix'],
  [0x564cn, 'ncpfs ncp'],
  [0x002fn, 'qnx4'],
  [0x6819_1122n, 'qnx6'],
  [0xc299_3d87n, 'omfs'],
  [0xa501_fcf5n, 'vxfs'],
];

function table(kind: FileSystemKind, rows: readonly Row[]): FileSystem[] {
  return rows.map(([magic, text]) => {
    const [first = '', ...others] = text.split(' ');
    return { magic, names: [first, ...others], kind };
  });
}

const FILE_SYSTEMS: readonly FileSystem[] = [
  ...table('pseudo', PSEUDO),
  ...table('memory', MEMORY),
  ...table('files', FILES),
];

const BY_MAGIC = new Map(FILE_SYSTEMS.map((each) => [each.magic, each]));
const BY_NAME = new Map(FILE_SYSTEMS.toReversed().flatMap((each) => each.names.map((name) => [name, each] as const)));

export function fileSystemByMagic(magic: bigint): FileSystem | undefined {
  return BY_MAGIC.get(magic);
}

/** @param name in small letters, as in /proc/filesystems or as people write it */
export function fileSystemByName(name: string): FileSystem | undefined {
  return BY_NAME.get(name);
}

/** The one file system of which a rule says that it is about it. */
export function fileSystemOf(rule: {
  readonly fsmagic?: bigint | undefined;
  readonly fsname?: string | undefined;
}): FileSystem | undefined {
  if (rule.fsmagic !== undefined) return fileSystemByMagic(rule.fsmagic);
  return rule.fsname === undefined ? undefined : fileSystemByName(rule.fsname);
}
