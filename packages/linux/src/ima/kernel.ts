import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { kernelList, type KernelList } from './list-file.ts';

/** Where securityfs shows IMA; the second is an old symbolic link to the first. */
const DIRECTORIES = ['/sys/kernel/security/integrity/ima', '/sys/kernel/security/ima'] as const;

export type KernelIma =
  | { readonly state: 'absent'; readonly reason: string }
  | { readonly state: 'unreadable'; readonly reason: string }
  /** `measuring` is false while only boot_aggregate is in the list: no policy measures anything. */
  | {
      readonly state: 'present';
      readonly entries: number;
      readonly measuring: boolean;
      readonly source: KernelList;
    };

/** What this kernel's IMA offers. Reading its list needs root. */
export function kernelIma(directories: readonly string[] = DIRECTORIES): KernelIma {
  const directory = directories.find((candidate) => isThere(join(candidate, 'binary_runtime_measurements')));
  if (directory === undefined)
    return { state: 'absent', reason: 'the kernel has no IMA, or securityfs is not mounted' };
  try {
    const entries = countIn(join(directory, 'runtime_measurements_count'));
    return { state: 'present', entries, measuring: entries > 1, source: sourceIn(directory) };
  } catch (error) {
    return { state: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** access(2) asks for the real user without its capabilities, so who may read by one alone would see nothing. */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function countIn(path: string): number {
  const text = readFileSync(path, 'latin1').trim();
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${path} holds no number`);
  return Number(text);
}

/** Kernels before 6.10 have the SHA-1 list only, without a suffix. */
function sourceIn(directory: string): KernelList {
  const sha256 = 'binary_runtime_measurements_sha256';
  return isThere(join(directory, sha256))
    ? kernelList(directory, sha256, 'sha256')
    : kernelList(directory, 'binary_runtime_measurements', 'sha1');
}
