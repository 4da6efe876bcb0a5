import { isatty } from 'node:tty';
import { UsageError } from '../exit.ts';
import { boundedContent } from '../bounded-file.ts';

const LONGEST = 4096;
const VARIABLE = 'ASSAY_KEY_PASSPHRASE';
const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/**
 * A passphrase or PIN: the first line of the file, else of the environment, else asked for on the terminal. Never of the
 * command line, which every user can read.
 * @param file of --passphrase-file
 * @param of what it is of, for the question; where it is undefined nothing is asked
 * @returns undefined where there is none
 */
export async function secretFrom(file: string | undefined, of?: string): Promise<string | undefined> {
  if (file !== undefined) {
    const [line = ''] = (await boundedContent(file, LONGEST)).toString('utf8').split(/\r?\n/, 1);
    return line;
  }
  const given = process.env[VARIABLE];
  if (given !== undefined) return given;
  return of === undefined || !isatty(0) ? undefined : hidden(`passphrase of ${of}: `);
}

/** A line that is typed on the terminal and not shown. */
export async function hidden(question: string): Promise<string> {
  const { stdin } = process;
  process.stderr.write(question);
  stdin.setRawMode(true);
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
