import { readFileSync, statSync } from 'node:fs';
import { readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { makePrivateDirectory } from '../files/index.ts';
import { BEGINNING, openList, readUpTo, type KernelList, type ListPlace, type MeasurementSource } from './list-file.ts';
import { agrees, baseOf, SAMPLE, type Base } from './spool-base.ts';
import { SpoolFile } from './spool-file.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const DEFAULT_LIMIT = 64 * 1024 * 1024;
const PIECE = 1024 * 1024;
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
    mayLack: () => spooled.mayLack(),
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
  #turn: Promise<unknown> = Promise.resolve();

  constructor(list: KernelList, options: SpoolOptions) {
    this.#list = list;
    this.#options = options;
    this.#limit = options.limit ?? DEFAULT_LIMIT;
  }

  start(): Promise<ListPlace> {
    return this.#using((_file, spool) => {
      return Promise.resolve(this.#base === 0 || spool === undefined ? BEGINNING : spool.start);
    });
  }

  keep(): Promise<void> {
    return this.#using(() => Promise.resolve());
  }

  read(fromOffset: number, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    return this.#using(async (file, spool) => {
      if (spool === undefined) return readUpTo(file, fromOffset, most);
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

  mayLack(): boolean {
    return (this.#spool?.doubt ?? 0) > 0;
  }

  /** As `settle` of the source. */
  settle({ fromOffset }: ListPlace): Promise<void> {
    return this.#inTurn(async () => {
      const spool = this.#spool;
      if (spool === undefined) return;
      await this.#trying(async () => {
        // What is behind the doubt was proved with what is before it.
        if (fromOffset > spool.doubt) await spool.setDoubt(0);
        const slack = this.#state?.state === 'full' ? 0 : SLACK;
        if (fromOffset > spool.start.fromOffset + slack) await spool.forget(fromOffset);
      });
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#letGo());
  }

  async #letGo(): Promise<void> {
    const spool = this.#spool;
    this.#spool = undefined;
    this.#head = new Uint8Array();
    await spool?.close();
  }

  /** While the list is open for reading the kernel lets nobody open it to trim it (EBUSY). */
  #using<T>(use: (file: FileHandle, spool: SpoolFile | undefined) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const file = await openList(this.#list.path);
      try {
        await this.#trying(async () => {
          this.#spool ??= await openSpool(this.#options, this.#list);
        });
        if (this.#spool !== undefined) await this.#follow(file, this.#spool);
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
      if (!(await this.#trying(() => placeAt(spool, base)))) return this.#letGo();
      this.#base = base === 'behind' ? spool.end : base === 'another' ? 0 : base;
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
  makePrivateDirectory(directory);
  for (const other of await readdir(directory)) {
    if (/^spool-[0-9a-f-]+(?:\.new)?$/.test(other) && other !== name) await unlink(join(directory, other));
  }
  return SpoolFile.open(join(directory, name), bank);
}

/** @throws Error of the file system */
async function placeAt(spool: SpoolFile, base: Base): Promise<void> {
  if (base === 'another') await spool.clear();
  if (base === 'behind') await spool.setDoubt(spool.end);
  if (typeof base === 'number' && base < spool.doubt) await spool.setDoubt(0); // The kernel has what is on both sides of it.
}
