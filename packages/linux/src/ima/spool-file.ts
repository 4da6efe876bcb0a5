import { open, rename, type FileHandle } from 'node:fs/promises';
import { equalBytes, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { entryStream, isViolation, templateDigest, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { BEGINNING, readUpTo, type ListPlace } from './list-file.ts';

const PIECE = 256 * 1024;
const HEADER_LIMIT = 256;
/** The bank, the first record and its byte, the doubt; all as long as they can be, so that a line can take the place of another. */
const HEADER = /^(assay-spool 1 ([a-z0-9-]+) ([0-9]{16}) ([0-9]{16}) ([0-9]{16})) ([0-9a-f]{64})\n/;
/** Bytes that stay of what is forgotten: by them one finds the place of a list that was trimmed. */
const ANCHOR = 4096;

interface Opened {
  readonly file: FileHandle;
  /** Bytes before the records. */
  readonly header: number;
  readonly start: ListPlace;
  readonly doubt: number;
}

/**
 * A file with a part of a binary list, as it was read: a line with the place of its first record, then the records. Nothing is
 * forced to the disk: what loses the memory of the machine clears the PCRs, too.
 */
export class SpoolFile {
  readonly #path: string;
  readonly #bank: HashName;
  #opened: Opened;
  #end: number;

  private constructor(path: string, bank: HashName, opened: Opened) {
    this.#path = path;
    this.#bank = bank;
    this.#opened = opened;
    this.#end = opened.start.fromOffset;
  }

  /** Opens what an agent left, without what is torn or damaged and what follows that; or begins. @throws Error of the file system */
  static async open(path: string, bank: HashName): Promise<SpoolFile> {
    const spool = new SpoolFile(path, bank, (await openedAt(path, bank)) ?? (await created(path, bank, BEGINNING, 0)));
    const { file, header, start } = spool.#opened;
    spool.#end = start.fromOffset + (await soundBytes(file, header, bank));
    await file.truncate(header + spool.bytes);
    if (spool.bytes === 0) await spool.clear(); // A place without records by which to find it.
    return spool;
  }

  /** Of its first record. */
  get start(): ListPlace {
    return this.#opened.start;
  }

  /** Byte of the list, before which records may be missing that nobody read; 0 where none are. */
  get doubt(): number {
    return this.#opened.doubt;
  }

  /** @throws Error of the file system */
  async setDoubt(doubt: number): Promise<void> {
    if (doubt === this.doubt) return;
    const { file, start } = this.#opened;
    await writeAt(file, 0, headerOf(this.#bank, start, doubt));
    this.#opened = { ...this.#opened, doubt };
  }

  /** Byte of the list behind its last. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.#end - this.start.fromOffset;
  }

  /** @param fromOffset in the list */
  read(fromOffset: number, most: number): Promise<Uint8Array> {
    const { file, header, start } = this.#opened;
    return readUpTo(file, header + fromOffset - start.fromOffset, Math.min(most, this.#end - fromOffset));
  }

  /** Adds what the list has next; what was not written whole counts for nothing. @throws Error of the file system */
  async append(bytes: Uint8Array): Promise<void> {
    const { file, header } = this.#opened;
    try {
      await writeAt(file, header + this.bytes, bytes);
    } catch (error) {
      await file.truncate(header + this.bytes);
      throw error;
    }
    this.#end += bytes.length;
  }

  /** Forgets what is before a byte of the list, but for a few records. @throws Error of the file system */
  async forget(before: number): Promise<void> {
    const start = await this.#recordAt(Math.min(before, this.#end) - ANCHOR);
    if (start.fromOffset > this.start.fromOffset) await this.#replace(start, this.#end, this.doubt);
  }

  /** Forgets all, and begins with the list. @throws Error of the file system */
  async clear(): Promise<void> {
    await this.#replace(BEGINNING, BEGINNING.fromOffset, 0);
  }

  close(): Promise<void> {
    return this.#opened.file.close();
  }

  /** The record that holds this byte of the list, or the first. */
  async #recordAt(offset: number): Promise<ListPlace> {
    const stream = entryStream({ format: 'binary', bank: this.#bank });
    let { fromEntry, fromOffset } = this.start;
    for (let at = fromOffset; at < offset; at += PIECE) {
      for (const { length } of stream.push(await this.read(at, PIECE))) {
        if (fromOffset + length > offset) return { fromEntry, fromOffset };
        fromEntry += 1;
        fromOffset += length;
      }
    }
    return { fromEntry, fromOffset };
  }

  async #replace(start: ListPlace, end: number, doubt: number): Promise<void> {
    const path = `${this.#path}.new`;
    const next = await created(path, this.#bank, start, doubt);
    try {
      for (let at = start.fromOffset; at < end; at += PIECE) {
        await writeAt(next.file, next.header + at - start.fromOffset, await this.read(at, PIECE));
      }
      await rename(path, this.#path);
    } catch (error) {
      await next.file.close();
      throw error;
    }
    const { file } = this.#opened;
    this.#opened = next;
    this.#end = end;
    await file.close();
  }
}

/** A full disk may take a part before it refuses. */
async function writeAt(file: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function created(path: string, bank: HashName, start: ListPlace, doubt: number): Promise<Opened> {
  const file = await open(path, 'w+', 0o600);
  const line = headerOf(bank, start, doubt);
  try {
    await writeAt(file, 0, line);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { file, header: line.length, start, doubt };
}

function headerOf(bank: HashName, { fromEntry, fromOffset }: ListPlace, doubt: number): Uint8Array {
  const numbers = [fromEntry, fromOffset, doubt].map((number) => String(number).padStart(16, '0'));
  const place = ['assay-spool 1', bank, ...numbers].join(' ');
  return utf8(`${place} ${sumOf(place)}\n`);
}

function sumOf(place: string): string {
  return toHex(nodeHasher.digest('sha256', utf8(place)));
}

/** @returns undefined where there is none of this bank whose first line holds */
async function openedAt(path: string, bank: HashName): Promise<Opened | undefined> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  const text = Buffer.from(await readUpTo(file, 0, HEADER_LIMIT)).toString('latin1');
  const [line = '', place = '', ofBank, entry, offset, doubt, sum] = HEADER.exec(text) ?? [];
  if (ofBank === bank && sum === sumOf(place)) {
    const start = { fromEntry: Number(entry), fromOffset: Number(offset) };
    return { file, header: line.length, start, doubt: Number(doubt) };
  }
  await file.close();
  return undefined;
}

/** How many bytes the records take up to the first that is not whole, or not what its digest says. */
async function soundBytes(file: FileHandle, header: number, bank: HashName): Promise<number> {
  const stream = entryStream({ format: 'binary', bank });
  let sound = 0;
  try {
    for (let at = header; ; at += PIECE) {
      const piece = await readUpTo(file, at, PIECE);
      for (const entry of stream.push(piece)) {
        if (!isSound(entry, bank)) return sound;
        sound += entry.length;
      }
      if (piece.length === 0) return sound;
    }
  } catch (error) {
    if (error instanceof FormatError) return sound;
    throw error;
  }
}

function isSound(entry: MeasurementEntry, bank: HashName): boolean {
  return isViolation(entry) || equalBytes(templateDigest(nodeHasher, bank, entry), entry.templateDigest);
}
