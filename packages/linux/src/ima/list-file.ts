import { open, readFile, type FileHandle } from 'node:fs/promises';
import { watch } from 'node:fs';
import { join } from 'node:path';
import type { HashName } from '@assay/core/hash';

/** A binary measurement list that grows: the kernel's or the engine's. */
export interface MeasurementSource {
  /** Bank of the template digests in it. */
  readonly bank: HashName;
  /**
   * The bytes from an offset to the present end, or the first of them; the last record may not be whole. Empty past the end.
   * @param most bytes that are read at most
   */
  read(fromOffset: number, most?: number): Promise<Uint8Array>;
  /** Calls back when the list may have grown, until the returned function is called. */
  watch(changed: () => void): () => void;
}

const CHUNK = 256 * 1024;
/** securityfs tells nobody of changes, so its counter is read this often. */
const POLL_MILLISECONDS = 200;

const COUNT = 'runtime_measurements_count';

/**
 * The list of an engine, by its directory. The engine replaces the counter when an entry is in the list and in the PCR,
 * so the directory is watched for that.
 */
export function engineList(directory: string, bank: HashName): MeasurementSource {
  return {
    bank,
    read: (fromOffset, most) => readFrom(join(directory, `binary_runtime_measurements_${bank}`), fromOffset, most),
    watch(changed) {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === COUNT) changed();
      });
      return () => watcher.close();
    },
  };
}

/** The kernel's list in securityfs: one of the files of the directory. */
export function kernelList(directory: string, file: string, bank: HashName): MeasurementSource {
  return {
    bank,
    read: (fromOffset, most) => readFrom(join(directory, file), fromOffset, most),
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
async function readUpTo(file: FileHandle, fromOffset: number, most: number): Promise<Uint8Array> {
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
