import { SystemError } from '@assay/core/errors';
import type { KernelTypes } from '@assay/linux/bpf';

/** Where the running kernel keeps what the programs look at; all in bytes. */
export interface Layout {
  readonly fileInode: number;
  readonly fileMode: number;
  readonly fileDentry: number;
  readonly dentryInode: number;
  readonly dentryName: number;
  readonly inodeSuper: number;
  readonly inodeNumber: number;
  readonly inodeWriters: number;
  readonly inodeSeconds: number;
  readonly inodeNanoseconds: number;
  readonly superDevice: number;
  readonly programFile: number;
  readonly areaFile: number;
  readonly areaFlags: number;
}

/** @throws SystemError KERNEL-LACKS where a member is missing or of another size; FormatError BTF-FORM */
export function layoutOf(types: KernelTypes): Layout {
  const at = (structure: string, path: string, size: number): number => {
    const member = types.member(structure, path);
    if (member?.size !== size) throw lacks(`struct ${structure} with ${path} of ${size} bytes`);
    return member.offset;
  };
  return {
    fileInode: at('file', 'f_inode', 8),
    fileMode: at('file', 'f_mode', 4),
    fileDentry: at('file', 'f_path.dentry', 8),
    dentryInode: at('dentry', 'd_inode', 8),
    dentryName: at('dentry', 'd_name.name', 8),
    inodeSuper: at('inode', 'i_sb', 8),
    inodeNumber: at('inode', 'i_ino', 8),
    inodeWriters: at('inode', 'i_writecount', 4),
    ...changeTime(types),
    superDevice: at('super_block', 's_dev', 4),
    programFile: at('linux_binprm', 'file', 8),
    areaFile: at('vm_area_struct', 'vm_file', 8),
    areaFlags: at('vm_area_struct', 'vm_flags', 8),
  };
}

/** A time of its own until Linux 6.10, two members since. The nanoseconds have 32 bits, whatever room they are given. */
function changeTime(types: KernelTypes): Pick<Layout, 'inodeSeconds' | 'inodeNanoseconds'> {
  const ways = [
    ['i_ctime_sec', 'i_ctime_nsec'],
    ['__i_ctime.tv_sec', '__i_ctime.tv_nsec'],
    ['i_ctime.tv_sec', 'i_ctime.tv_nsec'],
  ] as const;
  for (const [whole, rest] of ways) {
    const [seconds, nanoseconds] = [types.member('inode', whole), types.member('inode', rest)];
    if (seconds?.size === 8 && nanoseconds !== undefined)
      return { inodeSeconds: seconds.offset, inodeNanoseconds: nanoseconds.offset };
  }
  throw lacks('struct inode with a change time');
}

/**
 * Where a program at a hook finds an argument of it.
 * @throws SystemError KERNEL-LACKS
 */
export function argumentOf(types: KernelTypes, hook: string, name: string): number {
  // The name says, too, that there may be none (since Linux 6.17).
  const names = [name, `${name}__nullable`];
  const index = types.parameters(`bpf_lsm_${hook}`)?.findIndex((given) => names.includes(given)) ?? -1;
  if (index < 0) throw lacks(`a hook ${hook} that is given ${name}`);
  return index * 8;
}

function lacks(what: string): SystemError {
  return new SystemError('KERNEL-LACKS', `the gate does not know this kernel: it has no ${what}`);
}
