import { open } from 'node:fs/promises';
import { SystemError } from '@assay/core/errors';

const PLACES = ['/bin/busybox', '/usr/bin/busybox', '/usr/local/bin/busybox'];
/** Segment headers, and the name of the loader with them, stand at the beginning of a program that needs one. */
const HEAD_BYTES = 4096;

/**
 * A busybox that runs without libraries: in the initial RAM file system there are none.
 * @throws SystemError LAB-TOOL without one
 */
export async function findBusybox(): Promise<string> {
  for (const place of PLACES) if (await isStatic(place)) return place;
  const install = 'apt-get install --no-install-recommends busybox-static';
  throw new SystemError('LAB-TOOL', `there is no statically linked busybox: ${install}`);
}

async function isStatic(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead).toString('latin1');
    return head.startsWith('\x7fELF') && !head.includes('/ld-');
  } catch {
    return false;
  }
}
