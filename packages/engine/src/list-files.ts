import {
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { concat } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import {
  encodeAsciiEntry,
  encodeBinaryEntry,
  parseBinaryList,
  type ListStart,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { ARCHIVE_LINK } from '@assay/linux/lists';
import { digestIn, listedBanks, type Banks, type DigestedEntry } from './digested.ts';

const ENCODERS = { binary: encodeBinaryEntry, ascii: encodeAsciiEntry } as const;
type Form = keyof typeof ENCODERS;
const FORMS = ['binary', 'ascii'] as const;

const LIST_FILE =
  /^(?:(?:ascii|binary)_runtime_measurements(?:_[a-z0-9]+)?|runtime_measurements_count|violations|pcr_bases)$/;
const FILE_MODE = 0o640;
const CREATE = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Binary list of one bank, named as the kernel's (ima_fs.c). */
export function binaryListName(bank: HashName): string {
  return listName('binary', bank);
}

function listName(form: Form, bank: HashName): string {
  return `${form}_runtime_measurements_${bank}`;
}

/** Moves the list of an earlier boot to `previous/`; the one that was there is lost. */
export function setListAside(directory: string): void {
  rmSync(join(directory, ARCHIVE_LINK), { force: true });
  const names = readdirSync(directory).filter((name) => LIST_FILE.test(name));
  if (names.length === 0) return;
  const previous = join(directory, 'previous');
  rmSync(previous, { recursive: true, force: true });
  mkdirSync(previous, { mode: 0o700 });
  for (const name of names) renameSync(join(directory, name), join(previous, name));
}

interface ListFile {
  readonly form: Form;
  readonly bank: HashName;
  readonly name: string;
  readonly fd: number;
  readonly encode: (entry: DigestedEntry) => Uint8Array;
  length: number;
}

const BEGINNING: Pick<ListStart, 'entries' | 'bytes' | 'violations'> = { entries: 0, bytes: 0, violations: 0 };

/** The list as files, named and formed as the kernel's in securityfs: a binary and an ascii file for each bank. */
export class ListFiles {
  readonly #directory: string;
  readonly #bank: HashName;
  /** The binary file of the first bank comes first: it has what any other has. */
  #files: readonly ListFile[];
  /** In the first bank's binary list, of the first byte that the file has. */
  #offset: number;
  #count: number;
  #violations: number;
  /** How long the files were, in their order. */
  #mark: readonly number[] = [];

  /**
   * Writes all files anew with the entries; each takes the place of an older one when it is complete.
   * @param before what the archive has of the list
   */
  constructor(directory: string, banks: Banks, entries: readonly DigestedEntry[], before = BEGINNING) {
    this.#directory = directory;
    this.#bank = banks[0];
    this.#offset = before.bytes;
    this.#count = before.entries;
    this.#violations = before.violations;
    this.#files = listedBanks(banks).flatMap((bank) => FORMS.map((form) => this.#begin(form, bank)));
    this.append(entries);
    for (const { name } of this.#files) this.#publish(name);
    for (const form of FORMS) this.#link(`${form}_runtime_measurements`, listName(form, 'sha1'));
    if (this.#violations === before.violations) this.#replace('violations', `${this.#violations}\n`);
  }

  /** Of the whole list, with what is in the archive; so are the violations. */
  get count(): number {
    return this.#count;
  }

  get violations(): number {
    return this.#violations;
  }

  /** Bytes that the files take. */
  get size(): number {
    return this.#files.reduce((sum, { length }) => sum + length, 0);
  }

  /** Where the first bank's binary list ends. */
  get end(): number {
    return this.#offset + (this.#files[0]?.length ?? 0);
  }

  /** The first bank's binary list, as far as it is in its file. Until `cut`, all this is before the mark. */
  mark(): Uint8Array {
    const [first] = this.#files;
    this.#mark = this.#files.map(({ length }) => length);
    return first === undefined ? new Uint8Array() : this.#content(first);
  }

  /** Begins all files anew with what came after the mark. Until the first is in its place, a failure changes nothing. */
  cut(): void {
    const before = this.#files;
    const after: ListFile[] = [];
    try {
      for (const [index, file] of before.entries()) after.push(this.#shortened(file, this.#mark[index] ?? 0));
      if (after[0] !== undefined) this.#publish(after[0].name);
    } catch (error) {
      for (const { fd } of after) closeSync(fd);
      throw error;
    }
    this.#files = after;
    this.#offset += this.#mark[0] ?? 0;
    for (const { fd } of before) closeSync(fd);
    for (const { name } of after.slice(1)) this.#publish(name);
  }

  #shortened(file: ListFile, from: number): ListFile {
    const kept = this.#content(file).subarray(from);
    const shortened = this.#begin(file.form, file.bank);
    try {
      writeWhole(shortened.fd, kept);
    } catch (error) {
      closeSync(shortened.fd);
      throw error;
    }
    return { ...shortened, length: kept.length };
  }

  /**
   * One write() for each file. Where one fails, none of the entries is in any file.
   * @returns the entries as a reader of the first bank's binary list finds them
   */
  append(entries: readonly DigestedEntry[]): MeasurementEntry[] {
    const parts = this.#files.map((file) => ({ file, bytes: concat(entries.map(file.encode)) }));
    const [first] = parts;
    if (first === undefined || entries.length === 0) return [];
    const violations = this.#violations + entries.filter(({ violation }) => violation).length;
    const place = { bank: this.#bank, firstEntry: this.#count + 1, firstOffset: this.end };
    try {
      for (const { file, bytes } of parts) writeWhole(file.fd, bytes);
      if (violations > this.#violations) this.#replace('violations', `${violations}\n`);
      this.#replace('runtime_measurements_count', `${this.#count + entries.length}\n`);
    } catch (error) {
      for (const { file } of parts) ftruncateSync(file.fd, file.length);
      throw error;
    }
    for (const { file, bytes } of parts) file.length += bytes.length;
    this.#count += entries.length;
    this.#violations = violations;
    return parseBinaryList(first.bytes, place).entries;
  }

  close(): void {
    for (const { fd } of this.#files) closeSync(fd);
  }

  #begin(form: Form, bank: HashName): ListFile {
    const name = listName(form, bank);
    const encode = (entry: DigestedEntry): Uint8Array =>
      ENCODERS[form]({ ...entry, templateDigest: digestIn(bank, entry) });
    return { form, bank, name, fd: createFile(this.#unpublished(name)), encode, length: 0 };
  }

  #content({ name, length }: ListFile): Uint8Array {
    return readFileSync(join(this.#directory, name)).subarray(0, length);
  }

  #replace(name: string, text: string): void {
    const fd = createFile(this.#unpublished(name));
    try {
      writeWhole(fd, Buffer.from(text));
    } finally {
      closeSync(fd);
    }
    this.#publish(name);
  }

  #link(name: string, target: string): void {
    rmSync(this.#unpublished(name), { force: true });
    symlinkSync(target, this.#unpublished(name));
    this.#publish(name);
  }

  #publish(name: string): void {
    renameSync(this.#unpublished(name), join(this.#directory, name));
  }

  #unpublished(name: string): string {
    return join(this.#directory, `.${name}.new`);
  }
}

/** What an unclean end left under this name goes first. The mode does not depend on the umask. */
function createFile(path: string): number {
  rmSync(path, { force: true });
  const fd = openSync(path, CREATE, FILE_MODE);
  fchmodSync(fd, FILE_MODE);
  return fd;
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  const written = writeSync(fd, bytes);
  if (written !== bytes.length) throw new Error(`${written} of ${bytes.length} bytes were written; is the disk full?`);
}
