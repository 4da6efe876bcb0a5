export { bootKernel, prepareLab, type BootOptions, type GuestRun } from './boot.ts';
export { defaultCache } from './cache.ts';
export { writeCpio, type CpioEntry } from './cpio.ts';
export type { GuestFile } from './initrd.ts';
export { kexecFiles } from './kexec.ts';
export {
  isKernelSeries,
  KERNEL_SERIES,
  labKernel,
  updateKernel,
  type FetchOptions,
  type KernelSeries,
  type LabKernel,
} from './kernels.ts';
export { smallestDebian } from './root-image.ts';
export { firmwareWithKeys } from './enrolled.ts';
export { firmwareInSetupMode, type Firmware } from './firmware.ts';
export { GUEST_PEER, type GuestStream } from './qemu.ts';
export { SecureBootKeys, switchSecureBootOff } from './secure-boot.ts';
export { treeImage } from './tree-image.ts';
