import { isatty } from 'node:tty';
import pc from 'picocolors';

/** Colours for one stream; plain text unless it is a terminal, and never with NO_COLOR. */
export function colours(descriptor: 1 | 2): ReturnType<typeof pc.createColors> {
  const plain = process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '';
  return pc.createColors(!plain && isatty(descriptor));
}

type Rows = Iterable<readonly string[]>;

/** Columns two blanks apart; the last column is not padded. Cells may hold colour. */
export function table(rows: Rows): string {
  return [...tableLines(rows)].join('');
}

/** Such a table whose rows come in batches: a column never gets narrower again. */
export class Columns {
  readonly #widths: number[] = [];

  text(rows: readonly (readonly string[])[]): string {
    widen(this.#widths, rows);
    return rows.map((row) => line(row, this.#widths)).join('');
  }
}

/** The lines of such a table, one at a time; the rows are asked for twice, so that long ones need not be kept. */
export function* tableLines(rows: Rows): Generator<string> {
  const widths: number[] = [];
  widen(widths, rows);
  for (const row of rows) yield line(row, widths);
}

function widen(widths: number[], rows: Rows): void {
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
}

function line(row: readonly string[], widths: readonly number[]): string {
  return `${row.map((cell, column) => padded(cell, column, row, widths)).join('  ')}\n`;
}

function padded(cell: string, column: number, row: readonly string[], widths: readonly number[]): string {
  return column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell));
}

const ESCAPE = String.fromCharCode(27);
const COLOUR = new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g');
const NOT_PLAIN = new RegExp(`[${ESCAPE}\ud800-\udfff]`);

function width(cell: string): number {
  if (!NOT_PLAIN.test(cell)) return cell.length;
  return Array.from(cell.replace(COLOUR, '')).length;
}

/**
 * Text of others in one line, with nothing in it that a terminal obeys or hides: control, bidirectional and other
 * invisible characters are escaped. A backslash stays, since what others escaped already has some.
 */
export function shown(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** `12 s ago`. */
export function ago(time: string, now: Date = new Date()): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}
