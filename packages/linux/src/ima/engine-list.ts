import { watch } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { HashName } from '@assay/core/hash';
import { VerificationError } from '@assay/core/errors';
import { firstRecord, rotationOf, type Rotation } from '@assay/core/measurement';
import { archiveBefore, ARCHIVE_LINK, headOf, type Archived } from '../lists/archive.ts';
import { COUNT, readUpTo, type ListPlace, type MeasurementSource } from './list-file.ts';

/**
 * The list of an engine, by its directory: what is in the archive, and the file behind it. The engine replaces the counter
 * when an entry is in the list, so the directory is watched for that.
 */
export function engineList(directory: string, bank: HashName): MeasurementSource {
  const list = new EngineList(directory, bank);
  return {
    bank,
    start: () => list.start(),
    read: (fromOffset, most) => list.read(fromOffset, most),
    watch(changed) {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === COUNT) changed();
      });
      return () => watcher.close();
    },
  };
}

/** One file of the list, and what the archive has before it; the file stays the same when the engine replaces it. */
interface Opened {
  readonly file: FileHandle;
  readonly before: Rotation | undefined;
}

class EngineList {
  readonly #path: string;
  readonly #archive: string;
  readonly #bank: HashName;

  constructor(directory: string, bank: HashName) {
    this.#path = join(directory, `binary_runtime_measurements_${bank}`);
    this.#archive = join(directory, ARCHIVE_LINK);
    this.#bank = bank;
  }

  start(): Promise<ListPlace> {
    return this.#using(async ({ before }) => {
      const { missing } = await this.#archived(before);
      return { fromEntry: (missing?.entries ?? 0) + 1, fromOffset: missing?.bytes ?? 0 };
    });
  }

  read(fromOffset: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    return this.#using(async (opened) => {
      const base = opened.before?.bytes ?? 0;
      if (fromOffset >= base) return readUpTo(opened.file, fromOffset - base, most);
      const archived = await this.#archivedPart(opened, fromOffset, most);
      const rest = archived.length < most ? await readUpTo(opened.file, 0, most - archived.length) : new Uint8Array();
      return Buffer.concat([archived, rest]);
    });
  }

  async #using<T>(use: (opened: Opened) => Promise<T>): Promise<T> {
    const file = await open(this.#path, 'r');
    try {
      const first = firstRecord(await headOf(file), { format: 'binary', bank: this.#bank });
      return await use({ file, before: first && rotationOf(first) });
    } finally {
      await file.close();
    }
  }

  async #archived(before: Rotation | undefined): Promise<Archived> {
    // The offsets of a list are those of its bank.
    return before !== undefined && before.bank !== this.#bank
      ? { segments: [], missing: before }
      : archiveBefore(this.#archive, before);
  }

  async #archivedPart({ before }: Opened, fromOffset: number, most: number): Promise<Uint8Array> {
    const { segments, missing } = await this.#archived(before);
    if (fromOffset < (missing?.bytes ?? 0)) {
      const message = `the archive ${this.#archive} has nothing of the list before entry ${(missing?.entries ?? 0) + 1}`;
      throw new VerificationError('IMA-ARCHIVE', message);
    }
    const pieces: Uint8Array[] = [];
    let read = 0;
    for (const { path, offset, bytes } of segments) {
      const from = Math.max(0, fromOffset - offset);
      if (from >= bytes || read >= most) continue;
      const piece = await readFile(path, from, Math.min(bytes - from, most - read));
      pieces.push(piece);
      read += piece.length;
    }
    return Buffer.concat(pieces);
  }
}

async function readFile(path: string, from: number, most: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    return await readUpTo(file, from, most);
  } finally {
    await file.close();
  }
}
