import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, SystemError } from '@assay/core/errors';
import { LIMITS } from '@assay/core/reference';
import { MANIFEST, MANIFEST_LIMIT, readManifest } from './manifest.ts';
import type { PolicySource } from './source.ts';

/** A directory of files; whoever may write there says what is good. */
export function directorySource(directory: string): PolicySource {
  const read = (path: string, most: number): Promise<Uint8Array> => fileIn(directory, path, most);
  return {
    origin: directory,
    branch: null,
    snapshot: async () => {
      const files = new Map([[MANIFEST, await read(MANIFEST, MANIFEST_LIMIT)]]);
      for (const { file } of readManifest(files.get(MANIFEST) ?? new Uint8Array())) {
        files.set(file, await read(file, LIMITS.bytes));
      }
      const hash = createHash('sha256');
      for (const [path, bytes] of files) hash.update(`${path}\n${bytes.length}\n`).update(bytes);
      return {
        commit: `sha256:${hash.digest('hex')}`,
        signer: null,
        // What was digested is what is read.
        read: async (path) => files.get(path) ?? read(path, LIMITS.bytes),
      };
    },
  };
}

async function fileIn(directory: string, path: string, most: number): Promise<Uint8Array> {
  try {
    await using file = await open(join(directory, path));
    const stat = await file.stat();
    if (!stat.isFile()) throw new SystemError('POLICIES-SOURCE', `${path} is no file`);
    if (stat.size > most) throw new FormatError('BYTES-LIMIT', `${path} has ${stat.size} bytes`);
    return await file.readFile();
  } catch (error) {
    if (error instanceof SystemError || error instanceof FormatError) throw error;
    throw new SystemError('POLICIES-SOURCE', `${path} cannot be read: ${String(error)}`, { cause: error });
  }
}
