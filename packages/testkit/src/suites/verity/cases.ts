import { createHash } from 'node:crypto';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { VerityDigest, type VerityHash, type VerityParameters, type VerityResult } from '@assay/core/verity';
import { nodeHasher } from '@assay/core/node';
import type { KernelSeries } from '../../lab/index.ts';

/** File systems of the guest, by the size of their blocks. */
export const FILE_SYSTEMS = [4096, 1024] as const;
type FsBlock = (typeof FILE_SYSTEMS)[number];

/** What is done to a file between its signature and its first reader. */
const ALTERATIONS = ['none', 'label', 'content', 'salt', 'not enabled', 'digest label'] as const;
export type VerityAlteration = (typeof ALTERATIONS)[number];

/** How its bytes come about. */
const CONTENTS = ['data', 'holes', 'zeros'] as const;
type Content = (typeof CONTENTS)[number];

/** A file of the guest. */
export interface VerityFile {
  readonly index: number;
  readonly fsBlock: FsBlock;
  /** Chooses the rule. */
  readonly owner: number;
  readonly size: number;
  readonly content: Content;
  /** By which it is signed. */
  readonly parameters: VerityParameters;
  readonly alteration: VerityAlteration;
}

export const VERITY_POLICY = [
  'measure func=FILE_CHECK fowner=3001 digest_type=verity template=ima-ngv2',
  'appraise func=FILE_CHECK fowner=3001 digest_type=verity appraise_type=sigv3',
  'measure func=FILE_CHECK fowner=3002 digest_type=verity template=ima-sigv2',
  'appraise func=FILE_CHECK fowner=3003',
];
const OWNERS = [3001, 3001, 3002, 3001, 3003] as const;

interface Form {
  readonly fsBlock: FsBlock;
  readonly algorithm: VerityHash;
  readonly blockSize: number;
}

const FORMS: readonly Form[] = [
  { fsBlock: 4096, algorithm: 'sha256', blockSize: 4096 },
  { fsBlock: 4096, algorithm: 'sha512', blockSize: 4096 },
  { fsBlock: 4096, algorithm: 'sha256', blockSize: 2048 },
  { fsBlock: 4096, algorithm: 'sha256', blockSize: 1024 },
  { fsBlock: 4096, algorithm: 'sha512', blockSize: 1024 },
  { fsBlock: 1024, algorithm: 'sha256', blockSize: 1024 },
  { fsBlock: 1024, algorithm: 'sha512', blockSize: 1024 },
];

const DIGEST_SIZES: Readonly<Record<VerityHash, number>> = { sha256: 32, sha512: 64 };
/** Half of the files stay as they were signed. */
const CHOICES = ['none', 'none', 'none', ...ALTERATIONS] as const;
const SALT_SIZES = [1, 5, 31, 32];
/** A tree above this size is one of a file of holes, and tried once. */
const LARGE = 2 * 1024 * 1024;
const LARGEST = 20 * 1024 * 1024;

/** Around the edges of blocks, and of levels of the tree. */
function sizesOf({ algorithm, blockSize }: Form): number[] {
  const perBlock = blockSize / DIGEST_SIZES[algorithm];
  const levels = [blockSize, blockSize * perBlock, blockSize * perBlock ** 2, blockSize * perBlock ** 3];
  const around = levels.filter((size) => size <= LARGEST).flatMap((size) => [size - 1, size, size + 1]);
  return [0, 1, 5, ...around, 2 * blockSize, 3 * blockSize * perBlock + 7];
}

/** All forms with and without salt; `few` leaves out the large ones. */
export function verityFiles(seed: number, few: boolean): VerityFile[] {
  const chances = (what: string): number => createHash('sha256').update(`${seed} ${what}`).digest().readUInt32LE();
  const pick = <T>(all: readonly [T, ...T[]], what: string): T => all[chances(what) % all.length] ?? all[0];
  const salted = FORMS.flatMap((form) => [0, 1].map((number) => ({ form, salt: saltOf(form, number, seed) })));
  const all = salted.flatMap(({ form, salt }) =>
    sizesOf(form)
      .filter((size) => size <= LARGE || (salt.length > 0 && !few))
      .map((size) => ({ form, salt, size })),
  );
  return all
    .map(({ form, salt, size }, index): VerityFile => {
      const content = size > LARGE ? 'holes' : pick<Content>(CONTENTS, `content ${index}`);
      const isLarge = size > LARGE;
      const alteration = isLarge ? 'none' : pick<VerityAlteration>(CHOICES, `alteration ${index}`);
      const parameters = { algorithm: form.algorithm, blockSize: form.blockSize, salt };
      const owner = pick<number>(OWNERS, `owner ${index}`);
      return { index, fsBlock: form.fsBlock, owner, size, content, parameters, alteration: sound(alteration, size) };
    })
    .filter(({ index, size }) => !few || (index % 5 === 0 && size < 40_000));
}

function saltOf({ algorithm, blockSize, fsBlock }: Form, number: number, seed: number): Uint8Array {
  const random = createHash('sha256').update(`${seed} ${algorithm} ${blockSize} ${fsBlock}`).digest();
  return number === 0 ? new Uint8Array() : random.subarray(0, SALT_SIZES[(random[31] ?? 0) % SALT_SIZES.length]);
}

/** An empty file has no content to alter, and no block that a salt would count in. */
function sound(alteration: VerityAlteration, size: number): VerityAlteration {
  return size === 0 && alteration === 'content' ? 'none' : alteration;
}

const PATTERN_SIZE = 1021;

function patternOf(index: number): Uint8Array {
  return createHash('shake256', { outputLength: PATTERN_SIZE }).update(`file ${index}`).digest();
}

/** What a file holds besides zeros. */
export function piecesOf({ index, size, content }: VerityFile): { readonly at: number; readonly bytes: Uint8Array }[] {
  if (content === 'zeros' || size === 0) return [];
  const pattern = patternOf(index);
  if (content === 'data') return [{ at: 0, bytes: Buffer.alloc(size, pattern) }];
  const starts = [0.1, 0.4, 0.75].map((part) => Math.floor(size * part));
  return starts.map((at) => ({ at, bytes: pattern.subarray(0, size - at) }));
}

/** Where the alteration of the content is. */
export function alteredAt({ size }: VerityFile): number {
  return Math.floor(size / 3);
}

/** What the guest finds. */
export function contentOf(file: VerityFile): Uint8Array {
  const content = new Uint8Array(file.size);
  for (const { at, bytes } of piecesOf(file)) content.set(bytes, at);
  const at = alteredAt(file);
  if (file.alteration === 'content') content[at] = (content[at] ?? 0) ^ 1;
  return content;
}

/** With which the guest enables fs-verity. */
export function enabledParameters({ parameters, alteration }: VerityFile): VerityParameters {
  if (alteration !== 'salt') return parameters;
  return { ...parameters, salt: parameters.salt.length === 0 ? utf8('salt') : new Uint8Array() };
}

export function verityOf(file: VerityFile): VerityResult {
  return new VerityDigest(nodeHasher, enabledParameters(file)).update(contentOf(file)).finish();
}

const PAGE_SIZE = 4096;

/** Linux 6.3 brought blocks smaller than pages, for file systems whose blocks are at least as large. */
export function isTaken({ fsBlock, parameters: { blockSize } }: VerityFile, series: KernelSeries): boolean {
  return series === '6.1' ? blockSize === PAGE_SIZE && fsBlock === PAGE_SIZE : blockSize <= fsBlock;
}

/** Those in file systems that a kernel mounts: before 6.3, with fs-verity, none with blocks smaller than pages. */
export function isMounted({ fsBlock }: Pick<VerityFile, 'fsBlock'>, series: KernelSeries): boolean {
  return series !== '6.1' || fsBlock === PAGE_SIZE;
}

/** Of each file, in the directory of its parameters. */
export function pathOf({ index, fsBlock, parameters }: VerityFile): string {
  const { algorithm, blockSize, salt } = parameters;
  return `${fsBlock}/${algorithm}-${blockSize}-${salt.length}/c${index}`;
}

export function fileLine(file: VerityFile): string {
  const { index, fsBlock, owner, size, content, parameters, alteration } = file;
  const { algorithm, blockSize, salt } = parameters;
  const enabled = toHex(enabledParameters(file).salt);
  const facts = [index, fsBlock, owner, size, content, algorithm, blockSize, toHex(salt), alteration];
  return [pathOf(file), enabled, ...facts].join('\t');
}

export function parseFile(line: string): VerityFile {
  const [, , index, fsBlock, owner, size, content, algorithm, blockSize, salt = '', alteration] = line.split('\t');
  return {
    index: Number(index),
    fsBlock: FILE_SYSTEMS.find((each) => String(each) === fsBlock) ?? PAGE_SIZE,
    owner: Number(owner),
    size: Number(size),
    content: CONTENTS.find((each) => each === content) ?? 'data',
    parameters: {
      algorithm: algorithm === 'sha512' ? 'sha512' : 'sha256',
      blockSize: Number(blockSize),
      salt: fromHex(salt),
    },
    alteration: ALTERATIONS.find((each) => each === alteration) ?? 'none',
  };
}
