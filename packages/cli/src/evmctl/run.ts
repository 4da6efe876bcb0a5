import { lstatSync, openSync, readFileSync, statSync, type BigIntStats } from 'node:fs';
import { constants } from 'node:os';
import { printable, toHex } from '@assay/core/bytes';
import { errnoOf, errnoText } from '@assay/linux/errno';
import { getXattr } from '@assay/linux/xattr';
import type { Settings } from './settings.ts';

const { ENODATA } = constants.errno;
const LARGEST_FILE = 1024 * 1024;

/** The end of a command: what it says on standard error, and its exit code. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly status: number;
  /** A command says the last error of the system too. */
  readonly kind: 'command' | 'options';

  /** @param message empty where everything is said already */
  constructor(message: string, status = 125, kind: 'command' | 'options' = 'command') {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** One run of evmctl: its settings, what it writes, and the last error of a system call, which it ends with. */
export class Run {
  readonly settings: Settings;
  /** Number of the last system call that failed, as C's errno: scripts see it at the end of what failed. */
  errno = 0;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  get imaXattr(): string {
    return `${this.settings.namespace}.ima`;
  }

  get evmXattr(): string {
    return `${this.settings.namespace}.evm`;
  }

  /** To standard output. */
  out(text: string): void {
    process.stdout.write(text);
  }

  /** To standard error, with a line's end. */
  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** To standard error without a line's end. */
  begin(text: string): void {
    process.stderr.write(text);
  }

  /** With -v only. */
  detail(text: string): void {
    if (this.settings.verbose) this.say(text);
  }

  /** The result of a call of the system; undefined where it fails, which `errno` then tells. */
  attempt<Result>(call: () => Result): Result | undefined {
    try {
      return call();
    } catch (error) {
      this.noteErrno(error);
      return undefined;
    }
  }

  /** Whether a call of the system succeeds; `errno` tells why it does not. */
  succeeds(call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.noteErrno(error);
      return false;
    }
  }

  /** @throws the error itself where no call of the system is behind it */
  noteErrno(error: unknown): void {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    this.errno = errno;
  }

  /** The text of the last error, which is said only once. */
  takeErrno(): string {
    const text = errnoText(this.errno);
    this.errno = 0;
    return text;
  }

  stat(path: Uint8Array): BigIntStats | undefined {
    return this.attempt(() => lstatSync(bufferOf(path), { bigint: true }));
  }

  open(path: Uint8Array, flags: number): number | undefined {
    return this.attempt(() => openSync(bufferOf(path), flags));
  }

  xattr(path: Uint8Array, name: string): Uint8Array | undefined {
    const value = this.attempt(() => getXattr(path, name) ?? null);
    if (value === null) this.errno = ENODATA;
    return value ?? undefined;
  }

  /** The whole of a small file or pipe. Devices, which may never end, count as empty, and so do large files. */
  content(path: string): Buffer | undefined {
    return this.attempt(() => {
      const stats = statSync(path);
      return stats.isCharacterDevice() || stats.size > LARGEST_FILE ? Buffer.alloc(0) : readFileSync(path);
    });
  }

  /** The same with the messages of evmctl. */
  readFile(path: string): Uint8Array | undefined {
    this.say(`Reading to ${path}`);
    const content = this.content(path);
    if (content === undefined) this.say(`Failed to open: ${path}`);
    return content;
  }
}

/** A path as it is shown. */
export function shown(path: Uint8Array): string {
  return printable(path);
}

export function pathOf(word: string): Uint8Array {
  return Buffer.from(word);
}

function bufferOf(path: Uint8Array): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.length);
}

/** Lower-case hexadecimal and a line's end. */
export function hexLine(bytes: Uint8Array): string {
  return `${toHex(bytes)}\n`;
}
