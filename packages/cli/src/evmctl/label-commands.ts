import { closeSync, constants } from 'node:fs';
import { errnoText } from '@assay/linux/errno';
import { listXattrs, removeXattr } from '@assay/linux/xattr';
import { hashFileLabel, signFileLabel, signMetadataLabel, write } from './labels.ts';
import { overTree } from './over-tree.ts';
import { PublicKeys } from './public-keys.ts';
import { Failure, pathOf, shown, type Run } from './run.ts';
import { labelOf, verifyImaSignature } from './verify-ima.ts';

/** `evmctl ima_hash` */
export async function imaHash(run: Run, path: string): Promise<void> {
  await overTree(run, path, (file) => hashFileLabel(run, file));
}

/** `evmctl ima_sign` */
export async function imaSign(run: Run, path: string): Promise<void> {
  await overTree(run, path, (file) => signFileLabel(run, file));
}

/** `evmctl sign` */
export async function signMetadata(run: Run, path: string): Promise<void> {
  await overTree(run, path, async (file) => {
    await labelContent(run, file);
    await signMetadataLabel(run, file);
  });
}

/** What --imasig and --imahash ask for before security.evm is made. */
export async function labelContent(run: Run, path: Uint8Array): Promise<void> {
  if (run.settings.imaSignature) await signFileLabel(run, path);
  if (run.settings.imaHash) await hashFileLabel(run, path);
}

/** `evmctl ima_verify`, the only command that takes several files. @throws Failure */
export async function imaVerify(run: Run, ...paths: readonly string[]): Promise<void> {
  const keys = run.settings.version1 ? undefined : new PublicKeys(run);
  let failures = 0;
  for (const path of paths) {
    try {
      const content = { path: pathOf(path) };
      await verifyImaSignature(run, keys, { raw: labelOf(run, path), name: path, content });
      run.say(`${path}: verification is OK`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures++;
      if (error.message !== '') run.say(error.message);
    }
  }
  if (failures > 0) throw new Failure('', 1);
}

/**
 * `evmctl ima_setxattr`: FILE, or with --sigfile the signature and then the file. A signature that cannot be read is no
 * failure.
 * @returns false without a file
 */
export async function imaSetXattr(run: Run, [first, second]: readonly string[]): Promise<boolean> {
  const path = run.settings.signatureFile ? second : first;
  if (first === undefined || path === undefined) return false;
  const value = run.readFile(run.settings.signatureFile ? first : `${first}.sig`);
  if (value !== undefined) write(run, { path: pathOf(path), name: run.imaXattr, value, what: 'IMA sig' });
  return true;
}

/** `evmctl ima_fix`: a kernel in fix mode writes the label when the file is opened. */
export async function imaFix(run: Run, path: string): Promise<void> {
  await overTree(run, path, async (file, name) => {
    run.say(shown(name));
    if (run.settings.types?.includes('x') === true && hasBothLabels(run, file)) return;
    const fd = run.open(file, constants.O_RDONLY);
    if (fd !== undefined) closeSync(fd);
    else throw new Failure(`Failed to open file: ${shown(name)}: errno: ${errnoText(run.errno)} (${run.errno})`);
  });
}

function hasBothLabels(run: Run, path: Uint8Array): boolean {
  const names = run.attempt(() => listXattrs(path));
  if (names !== undefined) return names.includes(run.imaXattr) && names.includes(run.evmXattr);
  const errno = `errno: ${errnoText(run.errno)} (${run.errno})`;
  throw new Failure(`Failed to read xattrs (llistxattr): ${shown(path)}: ${errno}`);
}

/** `evmctl ima_clear`: what is not there is no failure. */
export async function imaClear(run: Run, path: string): Promise<void> {
  await overTree(run, path, async (file, name) => {
    run.say(shown(name));
    for (const xattr of [run.imaXattr, run.evmXattr]) run.succeeds(() => removeXattr(file, xattr));
  });
}
