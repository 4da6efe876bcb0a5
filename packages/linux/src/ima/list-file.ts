import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { HashName } from '@assay/core/hash';

/** A place in a list: an entry, from 1, and the byte of the binary list where it begins. */
export interface ListPlace {
  readonly fromEntry: number;
  readonly fromOffset: number;
}

export const BEGINNING: ListPlace = { fromEntry: 1, fromOffset: 0 };

/** A binary measurement list that grows: the kernel's or the engine's. */
export interface MeasurementSource {
  /** Bank of the template digests in it. */
  readonly bank: HashName;
  /** From where on the list is there: its beginning, unless somebody took that away. */
  start(): Promise<ListPlace>;
  /**
   * The bytes from an offset to the present end, or the first of them; the last record may not be whole. Empty past the end.
   * @param most bytes that are read at most
   */
  read(fromOffset: number, most?: number): Promise<Uint8Array>;
  /** Calls back when the list may have grown, until the returned function is called. */
  watch(changed: () => void): () => void;
  /**
   * Tells a list that keeps what the verifier does not have yet how a round ended.
   * @param place up to where the verifier has the list; null where it says that the list does not lead to the PCR
   * @returns whether the list begins otherwise from now on, for a round at once
   */
  settle?(place: ListPlace | null): Promise<boolean>;
}

/** The list of a kernel, in a file. */
export interface KernelList extends MeasurementSource {
  readonly path: string;
}

const CHUNK = 256 * 1024;
/** securityfs tells nobody of changes, so its counter is read this often. */
const POLL_MILLISECONDS = 200;

/** The file with the number of entries. */
export const COUNT = 'runtime_measurements_count';

/** The kernel's list in securityfs: one of the files of the directory. */
export function kernelList(directory: string, file: string, bank: HashName): KernelList {
  const path = join(directory, file);
  return {
    bank,
    path,
    start: () => Promise.resolve(BEGINNING),
    read: (fromOffset, most) => readFrom(path, fromOffset, most),
    watch(changed) {
      let last: string | null = '';
      let ended = false;
      const heard = (count: string | null): void => {
        if (!ended && (count === null || count !== last)) changed();
        last = count;
      };
      const timer = setInterval(() => {
        // The reader that is woken meets the same error and reports it.
        readFile(join(directory, COUNT), 'latin1').then(heard, () => heard(null));
      }, POLL_MILLISECONDS);
      return () => {
        ended = true;
        clearInterval(timer);
      };
    },
  };
}

async function readFrom(path: string, fromOffset: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    return await readUpTo(file, fromOffset, most);
  } finally {
    await file.close();
  }
}

/** Files of securityfs have no size: they are read until they end, a page or so at a time. */
export async function readUpTo(file: FileHandle, fromOffset: number, most: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  const chunks: Uint8Array[] = [];
  let read = 0;
  while (read < most) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK, most - read), fromOffset + read);
    if (bytesRead === 0) break;
    chunks.push(Uint8Array.from(buffer.subarray(0, bytesRead)));
    read += bytesRead;
  }
  return Buffer.concat(chunks);
}
