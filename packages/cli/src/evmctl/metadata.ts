import { closeSync, constants, type BigIntStats } from 'node:fs';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { evmDigest, EVM_XATTRS, metadataInput, type FileMetadata, type MetadataForm } from '@assay/core/evm';
import { FormatError, SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import type { ComputedDigest } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { fileSystemUuid, inodeGeneration } from '@assay/linux/files';
import { engineDigest, isOfEngines } from './hashes.ts';
import { Failure, shown, type Run } from './run.ts';

const IMA = 'security.ima';
const SELINUX = 'security.selinux';
const CAPABILITY = 'security.capability';
/** The attributes that only --smack counts. */
const EXTRA: ReadonlySet<string> = new Set([
  'security.SMACK64EXEC',
  'security.SMACK64TRANSMUTE',
  'security.SMACK64MMAP',
]);
/** Bytes of struct h_misc of the two kinds of kernels, and of evmctl's own immutable form. */
const MISC_SIZES = { 64: 24, 32: 20, immutable: 12 } as const;
const UUID_SIZE = 16;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

type Form = MetadataForm['form'];

/** evmctl counts every attribute that exists, whatever the kernel has enabled. */
export function countedXattrs({ settings }: Run): readonly string[] {
  return settings.smack ? EVM_XATTRS : EVM_XATTRS.filter((name) => !EXTRA.has(name));
}

/** The digest of a file's metadata that a signature in security.evm is over, with the overrides of the options. */
export async function metadataDigest(
  run: Run,
  path: Uint8Array,
  algorithm: HashName,
  form: Form,
): Promise<ComputedDigest> {
  const stats = run.stat(path);
  if (stats === undefined) throw new Failure(`Failed to stat: ${shown(path)} (errno: ${run.takeErrno()})`);
  const mode = overridden(run.settings.mode, stats.mode, 16);
  const generation = form === 'bound' ? signedGeneration(run, path, mode) : 0;
  const metadata: FileMetadata = {
    inode: overridden(run.settings.inode, stats.ino, run.settings.wordBits),
    generation,
    uid: Number(overridden(run.settings.uid, stats.uid, 32)),
    gid: Number(overridden(run.settings.gid, stats.gid, 32)),
    mode: Number(mode),
    xattrs: signedXattrs(run, path, form),
  };
  return digestOf(run, { path, metadata, form, algorithm });
}

interface Described {
  readonly path: Uint8Array;
  readonly metadata: FileMetadata;
  readonly form: Form;
  readonly algorithm: HashName;
}

async function digestOf(run: Run, { path, metadata, form, algorithm }: Described): Promise<ComputedDigest> {
  const chosen = metadataForm(run, path, metadata, form);
  if (isOfEngines(algorithm)) {
    return { algorithm, value: await engineDigest(run, metadataInput(metadata, chosen), algorithm) };
  }
  try {
    return evmDigest(nodeHasher, algorithm, metadata, chosen);
  } catch (error) {
    if (error instanceof SystemError) throw new Failure(`EVP_get_digestbyname(${algorithm}) failed`, 1);
    throw error;
  }
}

function metadataForm(run: Run, path: Uint8Array, metadata: FileMetadata, form: Form): MetadataForm {
  if (form === 'bound') return boundForm(run, path, metadata);
  const xattrs = countedXattrs(run);
  const { wordBits } = run.settings;
  const chosen: MetadataForm = form === 'portable' ? { form, wordBits, xattrs } : { form, xattrs };
  sayMisc(run, metadata, chosen);
  return chosen;
}

/** Of labels that are bound to the inode and, unless the options leave it out, to the UUID of the file system. */
export function boundForm(
  run: Run,
  path: Uint8Array,
  metadata: FileMetadata,
): Extract<MetadataForm, { form: 'bound' }> {
  const form = { form: 'bound', wordBits: run.settings.wordBits, xattrs: countedXattrs(run), fsUuid: null } as const;
  sayMisc(run, metadata, form);
  return { ...form, fsUuid: fsUuid(run, path) };
}

function sayMisc(run: Run, metadata: FileMetadata, form: MetadataForm): void {
  const size = MISC_SIZES[form.form === 'immutable' ? form.form : form.wordBits];
  run.detail(`hmac_misc (${size}): ${toHex(metadataInput(metadata, form).subarray(-size))}`);
}

function signedGeneration(run: Run, path: Uint8Array, mode: bigint): number {
  const { generation } = run.settings;
  const isFile = (Number(mode) & constants.S_IFMT) === constants.S_IFREG;
  const value =
    generation === undefined ? (isFile ? generationOf(run, path) : 0) : Number(overridden(generation, 0n, 32));
  run.say(`generation: ${value}`);
  return value;
}

/** @throws Failure where the file system tells none */
export function generationOf(run: Run, path: Uint8Array): number {
  const fd = run.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  if (fd === undefined) throw new Failure(`Failed to open: ${shown(path)}`);
  try {
    const generation = run.attempt(() => inodeGeneration(fd));
    if (generation !== undefined) return generation;
    throw new Failure('ioctl() failed');
  } finally {
    closeSync(fd);
  }
}

/** The values that are hashed: those of the file, or of the options. */
function signedXattrs(run: Run, path: Uint8Array, form: Form): ReadonlyMap<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const name of countedXattrs(run)) {
    const isFiles = form === 'portable' && name === IMA && run.settings.ima === undefined;
    const actual = isFiles ? run.imaXattr : name;
    const given = givenValue(run, name);
    if (given === null) continue;
    const value = given ?? run.xattr(path, actual);
    if (value === undefined && isFiles) throw new Failure(`EVM portable sig: ${actual} required`);
    if (value !== undefined) values.set(name, value);
    sayXattr(run, actual, value);
  }
  return values;
}

/** null: it does not count. */
function givenValue({ settings }: Run, name: string): Uint8Array | null | undefined {
  const { selinux, ima, capabilities } = settings;
  if (name === SELINUX && selinux !== undefined) return utf8(`${selinux}\0`);
  if (name === IMA && ima !== undefined) return hexValue(ima);
  if (name !== CAPABILITY || capabilities === undefined) return undefined;
  return capabilities === null ? null : utf8(capabilities);
}

/** evmctl would hash what was in memory before, for digits that are none. */
function hexValue(text: string): Uint8Array {
  try {
    return fromHex(text.slice(0, 2 * Math.floor(text.length / 2)));
  } catch (error) {
    if (error instanceof FormatError) throw new Failure('--ima takes hexadecimal digits');
    throw error;
  }
}

export function sayXattr(run: Run, name: string, value: Uint8Array | undefined): void {
  if (value === undefined) {
    run.say(`no xattr: ${name}`);
    return;
  }
  run.say(`name: ${name}, size: ${value.length}`);
  run.detail(toHex(value));
}

/** strtoul of C without a look at its end: what is no number is 0. */
function overridden(text: string | undefined, value: bigint, bits: 16 | 32 | 64): bigint {
  const [, sign = '', digits = '0'] = /^\s*([+-]?)(\d+)/.exec(text ?? '') ?? [];
  const given = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return BigInt.asUintN(bits, text === undefined ? value : given);
}

function fsUuid(run: Run, path: Uint8Array): Uint8Array | null {
  const { uuid } = run.settings;
  if (uuid === null) return null;
  const bytes = uuid === undefined ? uuidOf(run, path) : packed(uuid);
  run.say(`uuid: ${toHex(bytes)}`);
  return bytes;
}

function packed(uuid: string): Uint8Array {
  const [digits] = UUID.exec(uuid) ?? [];
  if (digits === undefined) throw new Failure('wrong UUID format');
  return fromHex(
    digits
      .replaceAll('-', '')
      .slice(0, 2 * UUID_SIZE)
      .toLowerCase(),
  );
}

function uuidOf(run: Run, path: Uint8Array): Uint8Array {
  const fd = run.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const uuid = fd === undefined ? undefined : run.attempt(() => fileSystemUuid(fd));
    if (uuid !== undefined) return uuid;
    throw new Failure('Failed to read UUID. Root access might require.');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** What the kernel takes for its HMAC: the file's own metadata, without overrides. */
export function ownMetadata(stats: BigIntStats, generation: number, xattrs: FileMetadata['xattrs']): FileMetadata {
  const { ino: inode, uid, gid, mode } = stats;
  return { inode, generation, uid: Number(uid), gid: Number(gid), mode: Number(mode), xattrs };
}
