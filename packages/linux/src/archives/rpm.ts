import { open } from 'node:fs/promises';
import { FormatError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { parseRpm, type RpmPackage } from '@assay/core/package';
import { digestOf } from './members.ts';

const FIRST = 1024 * 1024;
/** Headers are at most 256 MiB, signatures 64 MiB (lib/header.c, lib/package.c). */
const LARGEST_HEAD = 320 * 1024 * 1024;

/**
 * @returns with the digest of the package file, which an index of a repository can vouch for
 * @throws FormatError PACKAGE-FORM, BYTES-TRUNCATED, BYTES-LIMIT
 */
export async function readRpm(path: string): Promise<RpmPackage & { readonly digest: string }> {
  const file = await open(path);
  try {
    const { digest } = await digestOf(file.createReadStream({ start: 0, autoClose: false }));
    for (let length = FIRST; ; length *= 4) {
      const head = Buffer.alloc(Math.min(length, LARGEST_HEAD));
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      try {
        return { ...parseRpm(head.subarray(0, bytesRead), nodeHasher), digest };
      } catch (error) {
        const isShort = error instanceof FormatError && error.code === 'BYTES-TRUNCATED';
        if (!isShort || bytesRead < head.length || length > LARGEST_HEAD) throw error;
      }
    }
  } finally {
    await file.close();
  }
}
