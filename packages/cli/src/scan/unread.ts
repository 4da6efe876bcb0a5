import { textOfPath } from '@assay/core/baseline';
import { EXIT } from '../exit.ts';
import { colours, shown } from '../output/terminal.ts';

/** Something that could not be read, and the code of the error. */
export interface Unread {
  /** One character per byte. */
  readonly path: string;
  readonly code: string;
}

const PRIVILEGE = new Set(['NOT-PERMITTED', 'EACCES', 'EPERM']);
const SHOWN = 20;

export function unreadRow({ path, code }: Unread): { path: string; code: string } {
  return { path: textOfPath(path), code };
}

export function exitCodeOfUnread(unread: readonly Unread[]): number {
  if (unread.length === 0) return EXIT.fine;
  return unread.every(({ code }) => PRIVILEGE.has(code)) ? EXIT.notPermitted : EXIT.unreadable;
}

interface Created {
  readonly file: string;
  readonly objects: number;
  readonly bytes: number;
  readonly signed: boolean;
  readonly unread: readonly Unread[];
}

export function createdText({ file, objects, bytes, signed, unread }: Created): string {
  const colour = colours(1);
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  const signature = signed ? 'signed' : colour.yellow('not signed: keep it where nobody else can write');
  const lines = [`${shown(file)}: ${objects} objects, ${size} of content; ${signature}`];
  if (unread.length > 0) lines.push(colour.red(`${unread.length} could not be read, and are not covered:`));
  for (const { path, code } of unread.slice(0, SHOWN)) lines.push(`  ${textOfPath(path)}  ${code}`);
  if (unread.length > SHOWN) lines.push(`  ... and ${unread.length - SHOWN} more`);
  return `${lines.join('\n')}\n`;
}
