import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { printable, toHex } from '@assay/core/bytes';
import { hashFile } from '@assay/linux/files';

export interface Programs {
  /** Digest and path, as a measurement list would have them. */
  readonly programs: { digest: string; path: string }[];
  readonly unreadable: { path: string; reason: string }[];
}

const EXECUTABLE = 0o111n;
/** No program is as large; a sparse file may claim to be. */
const SIZE_LIMIT = 4n * 1024n ** 3n;
/** Of an escaped path in a request: one that is longer would have the whole request refused. */
const PATH_LIMIT = 8192;
const PROGRESS_EVERY = 100;
/** What was a regular file a moment ago may be a pipe now, on which open(2) would wait. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const SLASH = Buffer.from('/');

/**
 * Digests of all executable regular files under the directories, symbolic links not followed below them.
 * @param progress called now and then with the number of programs read
 */
export async function programsUnder(
  directories: readonly string[],
  progress: (count: number) => void,
): Promise<Programs> {
  const found: Programs = { programs: [], unreadable: [] };
  for (const directory of directories) {
    for await (const path of executables(await realpath(directory, 'buffer'), found)) {
      await add(found, path);
      if (found.programs.length % PROGRESS_EVERY === 0) progress(found.programs.length);
    }
  }
  return found;
}

async function* executables(path: Buffer, found: Programs): AsyncGenerator<Buffer> {
  const stats = await tried(found, path, () => lstat(path, { bigint: true }));
  if (stats?.isDirectory()) {
    const names = (await tried(found, path, () => readdir(path, { encoding: 'buffer' }))) ?? [];
    for (const name of names) yield* executables(Buffer.concat([path, SLASH, name]), found);
  } else if (stats !== undefined && isProgram(stats)) yield path;
}

function isProgram(stats: BigIntStats): boolean {
  return stats.isFile() && (stats.mode & EXECUTABLE) !== 0n && stats.size <= SIZE_LIMIT;
}

async function add(found: Programs, path: Buffer): Promise<void> {
  const name = listName(path);
  if (name.length > PATH_LIMIT) {
    found.unreadable.push({ path: name, reason: 'its path is too long' });
    return;
  }
  const file = await tried(found, path, () => open(path, OPEN_FLAGS));
  if (file === undefined) return;
  try {
    const result = hashFile(file.fd, ['sha256'], () => false);
    const digest = result.outcome === 'hashed' ? result.digests.get('sha256') : undefined;
    if (digest === undefined) found.unreadable.push({ path: printable(path), reason: 'it changes while it is read' });
    else found.programs.push({ digest: `sha256:${toHex(digest)}`, path: name });
  } finally {
    await file.close();
  }
}

/** Lists have `_` for a blank (ima_template_lib.c, ima_write_template_field_data). */
function listName(path: Buffer): string {
  return printable(path.map((byte) => (byte === 0x20 ? 0x5f : byte)));
}

async function tried<T>(found: Programs, path: Buffer, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    found.unreadable.push({ path: printable(path), reason });
    return undefined;
  }
}
