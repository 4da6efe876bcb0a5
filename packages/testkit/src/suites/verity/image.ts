import { chown, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toHex, utf8 } from '@assay/core/bytes';
import { digestLabel, encodeImaLabel } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { getXattr, setXattr } from '@assay/linux/xattr';
import { makeSigningKey, runCommand, type KeyType } from '../labelling/commands.ts';
import { filledImage } from '../labelling/image.ts';
import { alteredAt, contentOf, FILE_SYSTEMS, pathOf, piecesOf, type VerityFile } from './cases.ts';

const KEYS: readonly KeyType[] = ['rsa2048', 'p256'];
const SIZE = 64 * 1024 * 1024;
const UUID = '0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8';

/** File systems with labelled files on which fs-verity is not enabled yet, and the certificates, by file name. */
export async function verityImages(files: readonly VerityFile[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const keys = await mkdtemp(join(tmpdir(), 'assay-keys-'));
  try {
    const made = new Map<string, Uint8Array>();
    for (const key of KEYS) {
      await makeSigningKey(keys, key);
      made.set(`${key}.der`, await readFile(join(keys, `${key}.der`)));
    }
    for (const block of FILE_SYSTEMS) {
      const options = ['-O', 'verity,^has_journal', '-b', String(block), '-I', '1024', '-N', '1024'];
      const mine = files.filter(({ fsBlock }) => fsBlock === block);
      const form = { options, size: SIZE, uuid: `${UUID}${FILE_SYSTEMS.indexOf(block).toString(16).padStart(2, '0')}` };
      const { image } = await filledImage(form, async (directory) => fill(mine, directory, keys));
      made.set(`image-${block}.gz`, image);
    }
    return made;
  } finally {
    await rm(keys, { recursive: true, force: true });
  }
}

async function fill(files: readonly VerityFile[], root: string, keys: string): Promise<void> {
  const place = (file: VerityFile): string => join(root, pathOf(file));
  for (const file of files) await makeFile(file, place(file));
  const directories = Map.groupBy(files, (file) => dirname(place(file)));
  let number = 0;
  for (const [directory, [file]] of directories) {
    const key = KEYS[number++ % KEYS.length] ?? 'rsa2048';
    if (file !== undefined) await sign(file, directory, join(keys, key));
  }
  for (const file of files) await alter(file, place(file));
}

async function makeFile(file: VerityFile, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await using handle = await open(path, 'wx', 0o644);
  await handle.truncate(file.size);
  for (const { at, bytes } of piecesOf(file)) await handle.write(bytes, 0, bytes.length, at);
  await chown(path, file.owner, 0);
}

async function sign({ parameters }: VerityFile, directory: string, key: string): Promise<void> {
  const { algorithm, blockSize, salt } = parameters;
  const tree = ['--algorithm', algorithm, '--block-size', String(blockSize)];
  const salted = salt.length === 0 ? [] : ['--salt', toHex(salt)];
  const signer = ['--key', `${key}.pem`, '--cert', `${key}.der`];
  await runCommand(['assay', 'file', 'sign', '--verity', ...signer, ...tree, ...salted, directory]);
}

/** `salt` and `not enabled` are the guest's. */
async function alter(file: VerityFile, path: string): Promise<void> {
  const label = getXattr(utf8(path), 'security.ima');
  if (label === undefined) throw new RangeError(`${path} has no label`);
  if (file.alteration === 'label') {
    setXattr(utf8(path), 'security.ima', label.with(label.length - 1, (label.at(-1) ?? 0) ^ 1));
  } else if (file.alteration === 'digest label') {
    const digest = nodeHasher.digest('sha256', contentOf(file));
    setXattr(utf8(path), 'security.ima', encodeImaLabel(digestLabel('sha256', digest)));
  } else if (file.alteration === 'content') {
    await using handle = await open(path, 'r+');
    const at = alteredAt(file);
    await handle.write(contentOf(file).subarray(at, at + 1), 0, 1, at);
  }
}
