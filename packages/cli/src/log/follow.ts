import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { dirname } from 'node:path';
import { FormatError } from '@assay/core/errors';
import { entryStream, type EntryStream, type ListForm, type MeasurementEntry } from '@assay/core/measurement';
import { engineList } from '@assay/linux/ima';
import { headOf } from '@assay/linux/lists';
import { isFileError, UsageError } from '../exit.ts';
import { withList, type ListOptions } from '../list-file.ts';
import { firstRotation, isOfForm } from './archived.ts';

const CHUNK = 256 * 1024;
/** Enough to tell a list from another one. */
const TAIL = 4096;
const PAUSE_MILLISECONDS = 500;

/**
 * The entries of a list, and those that come later, until the signal. The file is opened anew each time: the kernel lets
 * nobody trim a list that somebody has open, and a file may be replaced. Where what was read before is not there any
 * more, the list has started again: `again`, then its entries from the first.
 * @throws FormatError, UsageError for a pipe
 */
export async function* followList(
  path: string,
  options: ListOptions,
  signal: AbortSignal,
): AsyncGenerator<MeasurementEntry[] | 'again'> {
  if ((await stat(path)).isFIFO()) throw new UsageError('--follow takes a file; a pipe is shown as it comes without');
  let place: Place | undefined;
  while (!signal.aborted) {
    try {
      place ??= new Place(await formOf(path, options));
      if (!(yield* news(path, place))) {
        place = undefined;
        yield 'again';
        continue;
      }
    } catch (error) {
      if (!isWaitedFor(error, place)) throw error;
    }
    await pause(signal);
  }
}

/** Where a list has been read to, and the bytes before that. */
class Place {
  readonly form: ListForm;
  readonly #stream: EntryStream;
  #offset = 0;
  #tail = Buffer.alloc(0);
  /** In the list, of the file's first byte: an engine moves what is before into its archive. */
  base = 0;

  constructor(form: ListForm) {
    this.form = form;
    this.#stream = entryStream(form);
  }

  /** In the list. */
  get offset(): number {
    return this.#offset;
  }

  take(bytes: Uint8Array): MeasurementEntry[] {
    this.#offset += bytes.length;
    this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-TAIL);
    return this.#stream.push(bytes);
  }

  /** @throws FormatError for what is wrong behind the entries that were given */
  settle(): void {
    this.#stream.push(new Uint8Array(0));
  }

  /** Whether the file still has, before this place, what was read there. */
  async isIn(file: FileHandle): Promise<boolean> {
    const there = this.#tail.subarray(Math.max(0, this.#tail.length - (this.#offset - this.base)));
    const now = Buffer.alloc(there.length);
    const start = this.#offset - this.base - now.length;
    for (let length = 0; length < now.length; ) {
      const { bytesRead } = await file.read(now, length, now.length - length, start + length);
      if (bytesRead === 0) return false;
      length += bytesRead;
    }
    return now.equals(there);
  }
}

async function formOf(path: string, options: ListOptions): Promise<ListForm> {
  return withList(path, options, ({ form }) => Promise.resolve(form));
}

/** @returns false when the list is another one */
async function* news(path: string, place: Place): AsyncGenerator<MeasurementEntry[], boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    yield* archivedNews(path, place, await baseOf(file, place.form));
    if (!(await place.isIn(file))) return false;
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, place.offset - place.base);
      if (bytesRead === 0) break;
      yield place.take(chunk.subarray(0, bytesRead));
    }
    place.settle();
    return true;
  } finally {
    await file.close();
  }
}

/** Where a file begins in its list. A file of another bank than the archive's begins with itself. */
async function baseOf(file: FileHandle, form: ListForm): Promise<number> {
  const rotation = firstRotation(await headOf(file), form);
  return rotation !== undefined && isOfForm(rotation.bank, form) ? rotation.bytes : 0;
}

/** What went from the file into the archive before it was read. */
async function* archivedNews(path: string, place: Place, base: number): AsyncGenerator<MeasurementEntry[]> {
  place.base = base;
  const list = engineList(dirname(path), place.form.bank);
  while (place.offset < base) yield place.take(await list.read(place.offset, Math.min(CHUNK, base - place.offset)));
}

/** A list that is empty may begin; a file that was there may be on its way to be replaced. */
function isWaitedFor(error: unknown, place: Place | undefined): boolean {
  if (error instanceof FormatError) return error.code === 'LIST-EMPTY';
  return isFileError(error) && error.code === 'ENOENT' && place !== undefined;
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(PAUSE_MILLISECONDS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
