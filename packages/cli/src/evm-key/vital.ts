import { existsSync, realpathSync } from 'node:fs';
import { DEBIAN_EVM_XATTRS, EVM_XATTRS } from '@assay/core/evm';
import { printable } from '@assay/core/bytes';
import type { LabelKey } from '@assay/core/label';
import { labelFiles } from '@assay/linux/labels';
import { TreeWalk } from '@assay/linux/tree';

/** Without them nobody gets back into the machine: the first program, a shell, the loader, and what runs this. */
const VITAL = [
  '/proc/1/exe',
  '/bin/sh',
  '/lib64/ld-linux-x86-64.so.2',
  '/lib/ld-linux-aarch64.so.1',
  '/proc/self/exe',
] as const;

export interface VitalFile {
  readonly path: string;
  readonly state: 'right' | 'wrong';
  readonly reason?: string;
}

/** Whether EVM would accept the files without which the machine does not work, with these keys. */
export async function vitalFiles(
  keys: readonly LabelKey[],
  hmacKey: Uint8Array | undefined,
  paths: readonly string[] = VITAL,
): Promise<VitalFile[]> {
  const present = new Set(paths.filter((path) => existsSync(path)).map((path) => realpathSync(path)));
  const job = {
    kind: 'evm-verify',
    keys,
    ...(hmacKey === undefined ? {} : { hmacKey }),
    bound: { form: 'bound', wordBits: 64, xattrs: DEBIAN_EVM_XATTRS, fsUuid: 'auto' },
    portable: { form: 'portable', wordBits: 64, xattrs: EVM_XATTRS },
  } as const;
  const found: VitalFile[] = [];
  const files = new TreeWalk({ include: [], exclude: [], oneFileSystem: false }).files(
    Array.from(present, (path) => Buffer.from(path)),
  );
  for await (const { path, result } of labelFiles(files, job, 1)) {
    const { state, code, message } = result;
    const name = printable(path);
    if (state === 'right') found.push({ path: name, state });
    else
      found.push({
        path: name,
        state: 'wrong',
        reason: [code, message].filter((part) => part !== undefined).join(': '),
      });
  }
  return found;
}
