import type { FileHandle } from 'node:fs/promises';
import { equalBytes } from '@assay/core/bytes';
import { entryKind, firstRecord, type MeasurementEntry } from '@assay/core/measurement';
import { FIRST_RECORD_LIMIT, headOf } from '../lists/archive.ts';
import { readUpTo, type KernelList } from './list-file.ts';
import type { SpoolFile } from './spool-file.ts';

const PIECE = 1024 * 1024;
/** At each end of what the spool and the kernel both have, so much is compared whenever the list is read. */
export const SAMPLE = 512;

/** Whether what both have is the same at its two ends, or at the second, where the kernel's list begins at this byte. */
export async function agrees(file: FileHandle, spool: SpoolFile, base: number, begins = false): Promise<boolean> {
  const from = Math.max(base, spool.start.fromOffset);
  const most = Math.min(SAMPLE, spool.end - from);
  if (most < 0) return false;
  for (const at of begins ? [spool.end - most] : [from, spool.end - most]) {
    if (!equalBytes(await readUpTo(file, at - base, most), await spool.read(at, most))) return false;
  }
  return true;
}

/**
 * With which byte of the list the kernel's begins. `behind`: they have nothing in common, so it is taken to begin where the spool
 * ends, and the verifier will see. `another`: it begins as every list does, so the spool is of another one.
 */
export type Base = number | 'behind' | 'another';

/** Looks for the first record of the kernel's in the spool, and for the spool's in the kernel's. */
export async function baseOf(file: FileHandle, spool: SpoolFile, { bank }: KernelList): Promise<Base> {
  const form = { format: 'binary', bank } as const;
  const head = await headOf(file);
  const first = firstRecord(head, form);
  if (first === undefined) return 'behind';
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
  return entryKind(first) === 'boot-aggregate' ? 'another' : 'behind';
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
