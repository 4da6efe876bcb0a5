import { constants, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { FormatError } from '@assay/core/errors';
import { hashAlgorithm } from '@assay/core/hash';
import {
  asciiBankOf,
  byteOrderOf,
  entryStream,
  hasRightDigest,
  parseBinaryList,
  type ByteOrder,
  type ListForm,
  type ListStart,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { beforeFile } from './log/archived.ts';
import { Progress } from './output/progress.ts';

type Bank = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const BANKS: readonly Bank[] = ['sha256', 'sha1', 'sha384', 'sha512'];
/** Longer than a first record. */
const HEAD = 1024 * 1024;
const CHUNK = 64 * 1024;

export interface ListOptions {
  readonly bank?: Bank | undefined;
  readonly imaHash?: 'sha1' | 'md5' | undefined;
}

/** A list that is read from its beginning, once, in pieces. */
export interface OpenList {
  readonly form: ListForm;
  /** Bytes, of a file that has a size: not of one in securityfs, nor of a pipe. */
  readonly size?: number;
  /** What is before the first entry, where the list has lost its beginning with the archive of an engine. */
  readonly start?: ListStart;
  /** Reads the next bytes into `target` from `start` on; 0 at the end. */
  read(target: Uint8Array, start: number): Promise<number>;
}

/**
 * Opens a binary or an ascii list: a file, one of securityfs (which gives a page at a time), or a pipe. The bank of a
 * binary one is the one given, else that of the file name's suffix, else the one in which the first entry's template
 * digest is right; that of an ascii one shows in its digests. What an engine moved into its archive comes before the file.
 * @throws FormatError INPUT-FILE, LIST-EMPTY, LIST-ROTATION; VerificationError IMA-ARCHIVE
 */
export async function withList<T>(path: string, options: ListOptions, use: (list: OpenList) => Promise<T>): Promise<T> {
  const { file, stats } = await openInput(path);
  try {
    const head = await headOf(file);
    if (head.length === 0)
      throw new FormatError('LIST-EMPTY', `${path} is empty; every list begins with boot_aggregate`);
    const form = formOf(path, head, options);
    const before = await beforeFile(path, head, form);
    const read = readerFrom(file, head, before?.bytes);
    const archived = before === undefined ? 0 : before.size;
    const size = stats.isFile() && stats.size > 0 && archived !== undefined ? { size: archived + stats.size } : {};
    return await use({ form, read, ...size, ...(before?.missing === undefined ? {} : { start: before.missing }) });
  } finally {
    await file.close();
  }
}

/**
 * The entries of a list as they are read, a piece of the list at a time.
 * @param options `quiet` where a line of progress would stand among the output
 * @throws FormatError
 */
export async function* listEntries(
  list: OpenList,
  options: { readonly quiet?: boolean } = {},
): AsyncGenerator<MeasurementEntry[]> {
  const stream = entryStream(list.form, list.start);
  const progress = new Progress('entries', list.size);
  const chunk = Buffer.allocUnsafe(CHUNK);
  let [entries, bytes] = [0, 0];
  try {
    for (let length = await list.read(chunk, 0); length > 0; length = await list.read(chunk, 0)) {
      const read = stream.push(chunk.subarray(0, length));
      [entries, bytes] = [entries + read.length, bytes + length];
      if (options.quiet !== true) progress.report(entries, bytes);
      yield read;
    }
    yield stream.end();
  } finally {
    progress.end();
  }
}

/** Says on standard error what of a list is not there. */
export function reportLost({ start }: OpenList): void {
  if (start === undefined) return;
  process.stderr.write(
    `the list begins at entry ${start.entries + 1}: the archive with what was before is not there\n`,
  );
}

/** Waits for the writer of a pipe. Some devices never end, and terminals are a mistake. */
async function openInput(path: string): Promise<{ file: FileHandle; stats: Stats }> {
  const before = await stat(path);
  if (!before.isFile() && !before.isFIFO()) throw notAList(path);
  const file = await open(path, before.isFIFO() ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (stats.isFile() || stats.isFIFO()) return { file, stats };
  await file.close();
  throw notAList(path);
}

function notAList(path: string): FormatError {
  return new FormatError('INPUT-FILE', `${path} is neither a regular file nor a pipe`);
}

async function headOf(file: FileHandle): Promise<Buffer> {
  const head = Buffer.allocUnsafe(HEAD);
  let length = 0;
  while (length < HEAD) {
    const { bytesRead } = await file.read(head, length, HEAD - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return head.subarray(0, length);
}

function readerFrom(file: FileHandle, head: Buffer, before?: AsyncIterator<Uint8Array>): OpenList['read'] {
  let archived: Uint8Array = new Uint8Array();
  let ended = before === undefined;
  let rest = head;
  return async (target, start) => {
    while (!ended && archived.length === 0) {
      const next = await before?.next();
      if (next === undefined || next.done === true) ended = true;
      else archived = next.value;
    }
    const held = ended ? rest : archived;
    const given = held.subarray(0, target.length - start);
    target.set(given, start);
    if (ended) rest = rest.subarray(given.length);
    else archived = archived.subarray(given.length);
    if (given.length > 0) return given.length;
    return (await file.read(target, start, target.length - start, null)).bytesRead;
  };
}

function formOf(path: string, head: Buffer, options: ListOptions): ListForm {
  const shown = asciiBankOf(head);
  if (shown !== undefined) return { format: 'ascii', bank: shown };
  const named = BANKS.find((candidate) => path.endsWith(`_${candidate}`));
  const bank = options.bank ?? named ?? bankOfFirstEntry(head) ?? 'sha1';
  return { format: 'binary', bank, byteOrder: byteOrderOf(head, bank), imaHash: options.imaHash ?? 'sha1' };
}

function bankOfFirstEntry(bytes: Buffer): Bank | undefined {
  return BANKS.find((bank) => {
    const byteOrder = byteOrderOf(bytes, bank);
    try {
      const head = firstRecord(bytes, bank, byteOrder);
      const [first] = parseBinaryList(head, { bank, byteOrder }).entries;
      return first !== undefined && hasRightDigest(nodeHasher, bank, first);
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  });
}

/** The bytes of the first record, by the lengths that it has where a list of this bank has them. */
function firstRecord(bytes: Buffer, bank: Bank, byteOrder: ByteOrder): Uint8Array {
  const length = (offset: number): number => {
    if (bytes.length < offset + 4) return 0;
    return byteOrder === 'little' ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  };
  const name = 4 + hashAlgorithm(bank).size;
  const afterName = name + 4 + length(name);
  if (bytes.subarray(name + 4, afterName).toString('latin1') !== 'ima')
    return bytes.subarray(0, afterName + 4 + length(afterName));
  const afterDigest = afterName + 20;
  return bytes.subarray(0, afterDigest + 4 + length(afterDigest));
}
