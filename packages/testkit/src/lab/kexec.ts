import { readFile } from 'node:fs/promises';
import { findBusybox } from './busybox.ts';
import { initrd, type GuestFile } from './initrd.ts';
import { labKernel, type FetchOptions, type KernelSeries } from './kernels.ts';

/**
 * Files for a guest that starts its kernel again with kexec: /run/lab/kernel and /run/lab/initrd, which run a command in
 * the same root file system.
 */
export async function kexecFiles(
  series: KernelSeries,
  command: readonly string[],
  options: FetchOptions,
): Promise<readonly [kernel: GuestFile, initrd: GuestFile]> {
  const kernel = await labKernel(series, options);
  const start = await initrd({ kernel, busybox: await findBusybox(), command, files: [] });
  return [
    { path: 'kernel', data: await readFile(kernel.image), inMemory: true },
    { path: 'initrd', data: start, inMemory: true },
  ];
}
