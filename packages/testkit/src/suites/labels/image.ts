import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { concat, utf8 } from '@assay/core/bytes';
import { setXattr } from '@assay/linux/xattr';
import { KEY_TYPES, makeEvmKey, makeSigningKey, runCommand } from '../labelling/commands.ts';
import { filledImage } from '../labelling/image.ts';
import { tinyProgram } from '../tiny-program.ts';
import { alter, alterationsFor, capability, context, type Alteration } from './alterations.ts';
import { commandsOf, type Places, type Recipe } from './recipes.ts';

/** A file of the image. */
export interface ImageFile {
  /** In the directory where the image is mounted. */
  readonly path: string;
  readonly recipe: Recipe;
  readonly alteration: Alteration;
}

export interface LabelsImage {
  readonly files: readonly ImageFile[];
  /** An ext4 file system, compressed by gzip. */
  readonly image: Uint8Array;
  /** Certificates of the keys, in DER, by file name. */
  readonly certificates: ReadonlyMap<string, Uint8Array>;
  /** Text of the encrypted key, and the payload of the user key `kmk` that it is encrypted under. */
  readonly evmKey: Uint8Array;
  readonly masterKey: Uint8Array;
}

/** Without checksums of metadata, which keep the kernel from changing the generation of an inode. */
const OPTIONS = ['-O', '^has_journal,^metadata_csum', '-b', '1024', '-I', '1024', '-N', '4096'];
const SIZE = 12 * 1024 * 1024;
const TAIL_SIZE = 40;

/**
 * Makes a file system whose files are labelled by the commands of the recipes and then altered, a file for each
 * alteration. The keys are new each time.
 * @throws SystemError LAB-TOOL where a program is missing or fails; it needs root
 */
export async function labelsImage(recipes: readonly Recipe[], seed: number, uuid: string): Promise<LabelsImage> {
  const keys = await mkdtemp(join(tmpdir(), 'assay-keys-'));
  const keyFile = async (name: string): Promise<Uint8Array> => readFile(join(keys, name));
  try {
    for (const type of KEY_TYPES) await makeSigningKey(keys, type);
    await makeEvmKey(keys);
    const form = { options: OPTIONS, size: SIZE, uuid };
    const { image, filled } = await filledImage(form, async (directory) =>
      fill(recipes, seed, { directory, keys, uuid }),
    );
    const certificates = KEY_TYPES.map(async (type) => [`${type}.der`, await keyFile(`${type}.der`)] as const);
    return {
      files: filled,
      image,
      certificates: new Map(await Promise.all(certificates)),
      evmKey: await keyFile('evm.blob'),
      masterKey: await keyFile('kmk'),
    };
  } finally {
    await rm(keys, { recursive: true, force: true });
  }
}

async function fill(recipes: readonly Recipe[], seed: number, places: Places): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  const chances = draws(seed);
  for (const [index, recipe] of recipes.entries()) {
    const directory = join(places.directory, String(index));
    const made = alterationsFor(recipe.evm?.guard).map((alteration, at): ImageFile => {
      return { path: `${index}/c${files.length + at}`, recipe, alteration };
    });
    await mkdir(directory);
    for (const { path } of made) await makeFile(join(places.directory, path), chances);
    for (const command of commandsOf(recipe, { ...places, directory })) await runCommand(command);
    for (const { path, alteration } of made) {
      const file = { path: join(places.directory, path), programSize: PROGRAM.length, chance: chances() };
      await alter(alteration, file);
    }
    files.push(...made);
  }
  return files;
}

const PROGRAM = tinyProgram();
const MODE = 0o755;

/** A program with something of its own at its end, and with some of the attributes that EVM protects. */
async function makeFile(path: string, chances: () => number): Promise<void> {
  const tail = Uint8Array.from({ length: TAIL_SIZE }, () => chances() & 0xff);
  const [which, owner] = [chances(), chances() % 3];
  await writeFile(path, concat([PROGRAM, tail]));
  await chown(path, owner * 1000, owner * 1000);
  await chmod(path, MODE);
  const file = utf8(path);
  if ((which & 1) !== 0) setXattr(file, 'security.selinux', context(which >>> 3));
  if ((which & 2) !== 0) setXattr(file, 'security.capability', capability(which >>> 3));
  if ((which & 4) !== 0) setXattr(file, 'security.apparmor', utf8(`profile-${which >>> 3}`));
}

/** One number after the other, the same for the same seed. */
function draws(seed: number): () => number {
  const stream = fc.sample(fc.infiniteStream(fc.nat()), { seed, numRuns: 1 })[0];
  return () => {
    const next = stream?.next();
    if (next === undefined || next.done === true) throw new RangeError('a stream without end has ended');
    return next.value;
  };
}
