import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { utf8 } from '@assay/core/bytes';
import { writeCpio, type CpioEntry } from './cpio.ts';
import type { LabKernel } from './kernels.ts';

/** A file that the script finds in the guest. */
export interface GuestFile {
  /** Relative to /lab, such as `keys/rsa.der`. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly executable?: boolean;
  /** Kept in memory, at its path below /run/lab: the built-in policies of kernels do not measure what is read there. */
  readonly inMemory?: boolean;
}

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;
const FILE = 0o100644;
const SCRIPT_PARTS = /^(?!\.{1,2}$)[^/\0]+$/;

/** What a guest starts with: busybox, the modules of its kernel, the script and its files. */
export interface Start {
  readonly kernel: LabKernel;
  /** Path of a busybox that needs no libraries. */
  readonly busybox: string;
  /** The program of the guest to run, relative to /lab or absolute, and its arguments. */
  readonly command: readonly string[];
  readonly files: readonly GuestFile[];
  /** Whether there is a network card to set up. */
  readonly network?: boolean;
}

/** Where the file system of the guest has it. */
const PLACES = { disk: 'lab', memory: 'run/lab' } as const;

export async function initrd({ kernel, busybox, command, files, network = false }: Start): Promise<Uint8Array> {
  const program = async (path: string, from: string): Promise<CpioEntry> => {
    return { path, mode: PROGRAM, data: await readFile(from) };
  };
  const guest = join(import.meta.dirname, 'guest');
  const entries = [
    await program('init', join(guest, 'init')),
    await program('bin/busybox', busybox),
    await program('lab/.guest/run', join(guest, 'run')),
    { path: 'lab/.guest/command', mode: FILE, data: utf8(`exec ${command.map(shellWord).join(' ')}\n`) },
    ...(await Promise.all(kernel.early.map(async (path) => program(`early/${basename(path)}`, path)))),
    ...(network ? [{ path: 'network', mode: FILE }] : []),
    ...files.map(entryOf),
  ];
  return writeCpio([...directories(entries), ...entries]);
}

/** @throws RangeError for a path that leaves its directory or takes a place of the lab's own */
function entryOf({ path, data, executable = false, inMemory = false }: GuestFile): CpioEntry {
  const parts = path.split('/');
  if (!parts.every((part) => SCRIPT_PARTS.test(part)) || parts[0] === '.guest' || parts[0] === 'out') {
    throw new RangeError(`no path below /lab: ${JSON.stringify(path)}`);
  }
  const place = inMemory ? PLACES.memory : PLACES.disk;
  return { path: `${place}/${path}`, mode: executable ? PROGRAM : FILE, data };
}

function directories(entries: readonly CpioEntry[]): CpioEntry[] {
  const above = (path: string): string[] => (path === '.' ? [] : [...above(dirname(path)), path]);
  const paths = new Set(entries.flatMap(({ path }) => above(dirname(path))));
  return [...new Set([...paths, 'early', 'run'])].map((path) => ({ path, mode: DIRECTORY }));
}

/** For sh: one word, whatever characters it holds. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
