import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { entryKind, firstRecord, type MeasurementEntry } from '@assay/core/measurement';
import { FIRST_RECORD_LIMIT, headOf } from '../lists/archive.ts';
import { BEGINNING, readUpTo, type KernelList, type ListPlace, type MeasurementSource } from './list-file.ts';
import { SpoolFile } from './spool-file.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const DEFAULT_LIMIT = 64 * 1024 * 1024;
const PIECE = 1024 * 1024;
/** At each end of what the spool and the kernel both have, so much is compared whenever the list is read. */
const SAMPLE = 512;
/** So much that the verifier has may stay in the spool, which is then seldom rewritten. */
const SLACK = 64 * 1024;

/** `full` and `failed`: what is new is in the kernel's list alone. */
export type SpoolState =
  | { readonly state: 'keeping' }
  | { readonly state: 'full'; readonly limit: number }
  | { readonly state: 'failed'; readonly reason: string };

export interface SpoolOptions {
  /** For its owner alone; made where it is not there. */
  readonly directory: string;
  /** Most bytes that are kept. Default: 64 MiB. */
  readonly limit?: number;
  /** Told of the state when the list is read first, and when it changes. */
  readonly onState?: (state: SpoolState) => void;
  /** Default: what the kernel says. */
  readonly bootId?: string;
}

export interface SpooledSource extends MeasurementSource {
  /** Lets go of the file, which stays; what reads on opens it again. */
  close(): Promise<void>;
}

/**
 * Whether records can be taken away from the kernel's list: its files let their owner write since Linux 7.2, with which that
 * came, and let nobody before.
 */
export function canBeTrimmed({ path }: KernelList): boolean {
  return (statSync(path).mode & 0o222) !== 0;
}

/**
 * The kernel's list, and beside it, in a file of this boot, what was read of it and the verifier does not have yet: what is
 * trimmed meanwhile is read from there.
 */
export function spooledList(list: KernelList, options: SpoolOptions): SpooledSource {
  const spooled = new SpooledList(list, options);
  return {
    bank: list.bank,
    start: () => spooled.start(),
    read: (fromOffset, most) => spooled.read(fromOffset, most),
    watch: (changed) => list.watch(() => void spooled.keep().then(changed, changed)),
    settle: (place) => spooled.settle(place),
    close: () => spooled.close(),
  };
}

class SpooledList {
  readonly #list: KernelList;
  readonly #options: SpoolOptions;
  readonly #limit: number;
  #spool: SpoolFile | undefined;
  #state: SpoolState | undefined;
  /** Byte of the list with which the kernel's begins now. */
  #base = 0;
  /** How the kernel's begins: looking there is cheap. */
  #head: Uint8Array = new Uint8Array();
  /** The verifier showed that nothing leads to what the kernel has. */
  #lost = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(list: KernelList, options: SpoolOptions) {
    this.#list = list;
    this.#options = options;
    this.#limit = options.limit ?? DEFAULT_LIMIT;
  }

  start(): Promise<ListPlace> {
    return this.#using((_file, spool) => {
      return Promise.resolve(this.#lost || this.#base === 0 || spool === undefined ? BEGINNING : spool.start);
    });
  }

  keep(): Promise<void> {
    return this.#using(() => Promise.resolve());
  }

  read(fromOffset: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    return this.#using(async (file, spool) => {
      if (this.#lost || spool === undefined) return readUpTo(file, fromOffset, most);
      if (fromOffset < spool.start.fromOffset || (!this.#keeps() && fromOffset >= this.#base)) {
        return this.#ofKernel(file, fromOffset, most);
      }
      const kept = await spool.read(fromOffset, most);
      if (this.#keeps()) return kept; // To the end of the list: finding it a second time would be slow.
      return Buffer.concat([kept, await this.#ofKernel(file, spool.end, most - kept.length)]);
    });
  }

  #ofKernel(file: FileHandle, fromOffset: number, most: number): Promise<Uint8Array> {
    if (fromOffset >= this.#base) return readUpTo(file, fromOffset - this.#base, most);
    throw new VerificationError('IMA-LOG-TRIMMED', `the list has nothing left before byte ${this.#base}`);
  }

  /** As `settle` of the source. */
  settle(place: ListPlace | null): Promise<boolean> {
    return this.#inTurn(async () => {
      const spool = this.#spool;
      const loses = place === null && this.#base > 0 && !this.#lost;
      this.#lost ||= loses;
      if (place === null || spool === undefined) return loses;
      const room = this.#state?.state === 'full' ? 0 : SLACK;
      if (place.fromOffset > spool.start.fromOffset + room) await this.#trying(() => spool.forget(place.fromOffset));
      return false;
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const spool = this.#spool;
      this.#spool = undefined;
      await spool?.close();
    });
  }

  /** While the list is open for reading the kernel lets nobody trim it (EBUSY). */
  #using<T>(use: (file: FileHandle, spool: SpoolFile | undefined) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const file = await open(this.#list.path, 'r');
      try {
        await this.#trying(async () => {
          this.#spool ??= await openSpool(this.#options, this.#list);
        });
        if (this.#spool !== undefined && !this.#lost) await this.#follow(file, this.#spool);
        return await use(file, this.#spool);
      } finally {
        await file.close();
      }
    });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #follow(file: FileHandle, spool: SpoolFile): Promise<void> {
    const head = await readUpTo(file, 0, SAMPLE);
    const known = this.#head.length > 0;
    const same = known && equalBytes(head.subarray(0, this.#head.length), this.#head);
    const placed = (known || spool.bytes === 0) && (await agrees(file, spool, this.#base, same));
    if (!placed) {
      const base = await baseOf(file, spool, this.#list);
      if (base === undefined && !(await this.#trying(() => spool.clear()))) return;
      this.#base = base ?? 0;
    }
    this.#head = head;
    await this.#collect(file, spool);
  }

  async #collect(file: FileHandle, spool: SpoolFile): Promise<void> {
    for (;;) {
      const room = Math.max(0, this.#limit - spool.bytes);
      const bytes = await readUpTo(file, spool.end - this.#base, Math.min(PIECE, room + 1));
      if (bytes.length === 0) return this.#become({ state: 'keeping' });
      if (!(await this.#trying(() => spool.append(bytes.subarray(0, room))))) return undefined;
      if (bytes.length > room) return this.#become({ state: 'full', limit: this.#limit });
    }
  }

  /** The kernel's list is good without its spool. */
  async #trying(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.#become({ state: 'failed', reason: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  #keeps(): boolean {
    return this.#state?.state === 'keeping';
  }

  #become(state: SpoolState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}

/** Name of the file of a spool. @param bootId of this boot by default */
export function spoolName(bootId = readFileSync(BOOT_ID, 'latin1').trim()): string {
  return `spool-${bootId}`;
}

async function openSpool({ directory, bootId }: SpoolOptions, { bank }: KernelList): Promise<SpoolFile> {
  const name = spoolName(bootId);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const other of await readdir(directory)) {
    if (/^spool-[0-9a-f-]+(?:\.new)?$/.test(other) && other !== name) await unlink(join(directory, other));
  }
  return SpoolFile.open(join(directory, name), bank);
}

/** Whether what both have is the same at its two ends, or at the second, where the kernel's list begins at this byte. */
async function agrees(file: FileHandle, spool: SpoolFile, base: number, begins = false): Promise<boolean> {
  const from = Math.max(base, spool.start.fromOffset);
  const most = Math.min(SAMPLE, spool.end - from);
  if (most < 0) return false;
  for (const at of begins ? [spool.end - most] : [from, spool.end - most]) {
    if (!equalBytes(await readUpTo(file, at - base, most), await spool.read(at, most))) return false;
  }
  return true;
}

/**
 * With which byte of the list the kernel's begins: with a record of the spool, or with one from which on it comes to the first of the
 * spool. Where they have nothing in common it is taken to begin behind the spool; the verifier will see.
 * @returns undefined where it begins as every list does, so that the spool is of another one
 */
async function baseOf(file: FileHandle, spool: SpoolFile, { bank }: KernelList): Promise<number | undefined> {
  const form = { format: 'binary', bank } as const;
  const head = await headOf(file);
  const first = firstRecord(head, form);
  if (first === undefined) return spool.end;
  const { fromOffset } = spool.start;
  const readSpool = (at: number): Promise<Uint8Array> => spool.read(fromOffset + at, PIECE);
  for await (const at of occurrences(bytesOf(first, head), readSpool)) {
    if (await agrees(file, spool, fromOffset + at)) return fromOffset + at;
  }
  const kept = await spool.read(fromOffset, FIRST_RECORD_LIMIT);
  const anchor = firstRecord(kept, form);
  const readKernel = (at: number): Promise<Uint8Array> => readUpTo(file, at, PIECE);
  for await (const at of anchor === undefined ? [] : occurrences(bytesOf(anchor, kept), readKernel)) {
    if (at <= fromOffset && (await agrees(file, spool, fromOffset - at))) return fromOffset - at;
  }
  return entryKind(first) === 'boot-aggregate' ? undefined : spool.end;
}

function bytesOf({ length }: MeasurementEntry, head: Uint8Array): Uint8Array {
  return head.subarray(0, length);
}

/** Where these bytes stand in what is read in pieces. */
async function* occurrences(
  wanted: Uint8Array,
  read: (at: number) => Promise<Uint8Array>,
): AsyncGenerator<number, void, undefined> {
  let at = 0;
  let held: Buffer = Buffer.alloc(0);
  for (;;) {
    const piece = await read(at + held.length);
    if (piece.length === 0) return;
    held = Buffer.concat([held, piece]);
    for (let found = held.indexOf(wanted); found >= 0; found = held.indexOf(wanted, found + 1)) yield at + found;
    const past = Math.max(0, held.length - wanted.length + 1);
    at += past;
    held = held.subarray(past);
  }
}
