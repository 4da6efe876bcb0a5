import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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
  /** Whether entries may be missing in what was read last: the list was trimmed, and nothing shows what came before. */
  mayLack?(): boolean;
  /** Tells a list that keeps what the verifier does not have yet up to where it has it now. */
  settle?(place: ListPlace): Promise<void>;
}

/** The list of a kernel, in a file. */
export interface KernelList extends MeasurementSource {
  readonly path: string;
}

const CHUNK = 256 * 1024;
/** securityfs tells nobody of changes, so its counter is read this often. */
const POLL_MILLISECONDS = 200;
/** Who trims the list has it open for a moment. */
const BUSY_POLL_MILLISECONDS = 20;
const BUSY_MILLISECONDS = 5000;

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

/** Since Linux 7.2 nobody opens a list while another process has it open for writing (EBUSY). @throws Error of the file system */
export async function openList(path: string): Promise<FileHandle> {
  for (let waited = 0; ; waited += BUSY_POLL_MILLISECONDS) {
    try {
      return await open(path, 'r');
    } catch (error) {
      const busy = error instanceof Error && 'code' in error && error.code === 'EBUSY';
      if (!busy || waited >= BUSY_MILLISECONDS) throw error;
      await delay(BUSY_POLL_MILLISECONDS);
    }
  }
}

async function readFrom(path: string, fromOffset: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const file = await openList(path);
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
