import { read as readWithCallback } from 'node:fs';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { UsageError } from '../exit.ts';
import { boundedContent } from '../bounded-file.ts';

const read = promisify(readWithCallback);

const LONGEST = 4096;
const VARIABLE = 'ASSAY_KEY_PASSPHRASE';
const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/**
 * A passphrase or PIN: from where the option says, else of the environment, else asked for on the terminal. Never of the
 * command line, which every user can read.
 * @param source of --passphrase-from
 * @param of what it is of, for the question; where it is undefined nothing is asked
 * @returns undefined where there is none
 * @throws UsageError; FormatError INPUT-FILE, BYTES-LIMIT
 */
export async function secretFrom(source: string | undefined, of?: string): Promise<string | undefined> {
  if (source !== undefined) return named(source);
  const given = process.env[VARIABLE];
  if (given !== undefined) return given;
  return of === undefined || !isatty(0) ? undefined : hidden(`passphrase of ${of}: `);
}

/** As of `-passin` of OpenSSL, but for `pass:`, which would be a passphrase on the command line. */
async function named(source: string): Promise<string> {
  const [, kind = '', name = ''] = /^(env|file|fd):(.+)$/s.exec(source) ?? [];
  switch (kind) {
    case 'env':
      return process.env[name] ?? refused(`the environment has no ${name}`);
    case 'file':
      return firstLine(await boundedContent(name, LONGEST));
    case 'fd':
      return /^\d{1,4}$/.test(name) ? fromDescriptor(Number(name)) : refused('fd: takes the number of a descriptor');
    default:
      return refused('takes env:NAME, file:PATH or fd:NUMBER, and never the passphrase itself');
  }
}

function refused(reason: string): never {
  throw new UsageError(`--passphrase-from: ${reason}`);
}

/** To its first line or its end: whoever writes into a pipe need not close it. */
async function fromDescriptor(fd: number): Promise<string> {
  const buffer = Buffer.alloc(LONGEST);
  let length = 0;
  while (length < LONGEST && !buffer.subarray(0, length).includes('\n')) {
    const { bytesRead } = await read(fd, buffer, length, LONGEST - length, null).catch((error: unknown) => {
      return refused(`descriptor ${fd} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return firstLine(buffer.subarray(0, length));
}

function firstLine(content: Buffer): string {
  const [line = ''] = content.toString('utf8').split(/\r?\n/, 1);
  return line;
}

/** A line that is typed on the terminal and not shown. */
export async function hidden(question: string): Promise<string> {
  const { stdin } = process;
  stdin.setRawMode(true); // Before the question: who sees it may type at once.
  process.stderr.write(question);
  let line = '';
  try {
    for await (const chunk of stdin.setEncoding('utf8')) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n' || character === CTRL_D) return line;
        if (character === CTRL_C) process.kill(process.pid, 'SIGINT');
        line = character === BACKSPACE || character === DELETE ? line.slice(0, -1) : line + character;
      }
    }
    throw new UsageError('no passphrase was given');
  } finally {
    stdin.setRawMode(false);
    process.stderr.write('\n');
  }
}
