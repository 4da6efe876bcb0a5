import { roleOf, type FileRole } from '@assay/core/preflight';
import { ACCESS, hasVersion, type EventFunction, type KernelProfile } from '@assay/core/policy';
import type { HookCall, OpenedFile, OpenEvent } from './contract.ts';

const { MAY_EXEC, MAY_WRITE, MAY_READ, MAY_APPEND } = ACCESS;

/** include/uapi/asm-generic/fcntl.h */
const O_ACCMODE = 3;
const O_WRONLY = 1;
const O_RDWR = 2;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const O_PATH = 0o10000000;
/** No flag of open(2): those are not known, and the file has a writer, who may be another one than he who opens it. */
export const MAY_ONLY_READ = 0x4000_0000;

/**
 * The hooks that the kernel would call, as far as an opening tells. Executions are exact. What is read may be mapped for
 * execution afterwards, or handed to the kernel as module, firmware or image: an opening for reading counts as that use
 * where the file can be used so. So more is measured and appraised than in the kernel, never less.
 */
export function hooksOf(
  event: OpenEvent,
  file: Pick<OpenedFile, 'path' | 'head'>,
  profile: Pick<KernelProfile, 'version'>,
): HookCall[] {
  const maps = mapsOf(profile);
  if (event.isExec) {
    const mapped = isLoadable(file) ? maps : [];
    return [EXECUTED, ...EXECUTING, ...mapped];
  }
  const mask = openMask(event.flags);
  if (mask === 0) return [];
  const opened: HookCall = { func: 'FILE_CHECK', mask };
  if ((mask & MAY_READ) === 0) return [opened];
  const isUnsure = ((event.flags ?? 0) & MAY_ONLY_READ) !== 0;
  const loaded = loadedAs(file.path);
  return [
    ...(isUnsure ? [{ func: opened.func, mask: MAY_READ }] : []),
    opened,
    ...(isLoadable(file) ? maps : []),
    ...(loaded === undefined ? [] : [{ func: loaded, mask: MAY_READ }]),
  ];
}

const EXECUTED: HookCall = { func: 'FILE_CHECK', mask: MAY_EXEC };
const EXECUTING: readonly HookCall[] = [
  { func: 'BPRM_CHECK', mask: MAY_EXEC },
  { func: 'CREDS_CHECK', mask: MAY_EXEC },
];

/** The hooks of what is mapped for execution. */
export function mapsOf(profile: Pick<KernelProfile, 'version'>): readonly HookCall[] {
  return hasVersion(profile, '6.3') ? MAPPED : MAPPED.slice(1);
}

const MAPPED: readonly HookCall[] = [
  { func: 'MMAP_CHECK_REQPROT', mask: MAY_EXEC },
  { func: 'MMAP_CHECK', mask: MAY_EXEC },
];

const LOADED: Partial<Record<FileRole, EventFunction>> = {
  module: 'MODULE_CHECK',
  firmware: 'FIRMWARE_CHECK',
  kernel: 'KEXEC_KERNEL_CHECK',
  initramfs: 'KEXEC_INITRAMFS_CHECK',
};

/** The function of the kernel that a file of this name may be read for. */
export function loadedAs(path: Uint8Array): EventFunction | undefined {
  return LOADED[roleOf(Buffer.from(path).toString('latin1'))];
}

/** Rules about these, or about everything, make a verdict depend on the name by which a file is opened. */
export const BY_NAME: ReadonlySet<string | undefined> = new Set([undefined, ...Object.values(LOADED)]);

/** Bits of the opening as open(2) has them (fs/open.c, build_open_flags); 0 for O_PATH, of which the kernel asks nothing. */
export function openMask(flags = 0): number {
  if ((flags & O_PATH) !== 0) return 0;
  const mode = flags & O_ACCMODE;
  const reads = mode === O_WRONLY ? 0 : MAY_READ;
  const writes = mode === O_WRONLY || mode === O_RDWR || (flags & O_TRUNC) !== 0 ? MAY_WRITE : 0;
  return reads | writes | ((flags & O_APPEND) !== 0 ? MAY_APPEND : 0);
}

/** e_ident and, after it, e_type (elf(5)). */
const ELF_HEAD = 18;
const ELF_MAGIC = 0x7f454c46;
const EI_DATA = 5;
const ET_EXEC = 2;
const ET_DYN = 3;

/** An ELF program or shared object: what a loader maps for execution. */
function isLoadable(file: Pick<OpenedFile, 'head'>): boolean {
  const bytes = file.head(ELF_HEAD);
  if (bytes.length < ELF_HEAD) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== ELF_MAGIC) return false;
  const type = view.getUint16(16, bytes[EI_DATA] === 1);
  return type === ET_EXEC || type === ET_DYN;
}
