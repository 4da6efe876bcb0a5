import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * Writes a JSON document that only its owner may read. It is written beside and moved over, so that a crash leaves the old
 * file or the new one.
 */
export async function writePrivateJson(path: string, document: object): Promise<void> {
  const beside = `${path}.new`;
  await rm(beside, { force: true }); // What a crash left there, or another user put there, has a mode of its own.
  await writeFile(beside, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  await rename(beside, path);
}
