import { isatty } from 'node:tty';
import pc from 'picocolors';

/** Colours for one stream; plain text unless it is a terminal, and never with NO_COLOR. */
export function colours(descriptor: 1 | 2): ReturnType<typeof pc.createColors> {
  const plain = process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== '';
  return pc.createColors(!plain && isatty(descriptor));
}

/** Columns two blanks apart; the last column is not padded. Cells may hold colour. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => width(row[column] ?? ''))),
  );
  return rows.map((row) => `${row.map((cell, column) => padded(cell, column, row, widths)).join('  ')}\n`).join('');
}

function padded(cell: string, column: number, row: readonly string[], widths: readonly number[]): string {
  return column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell));
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

function width(cell: string): number {
  return Array.from(cell.replace(COLOUR, '')).length;
}

/** `12 s ago`. */
export function ago(time: string, now: Date = new Date()): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}
