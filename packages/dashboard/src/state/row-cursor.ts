import { type KeyboardEvent, useState } from 'react';

const PAGE_ROWS = 10;

/** Where a key leads from a row; null for keys that move nothing. */
export function destination(key: string, from: number, last: number): number | null {
  if (key === 'ArrowDown') return Math.min(from + 1, last);
  if (key === 'ArrowUp') return Math.max(from - 1, 0);
  if (key === 'PageDown') return Math.min(from + PAGE_ROWS, last);
  if (key === 'PageUp') return Math.max(from - PAGE_ROWS, 0);
  if (key === 'Home') return 0;
  return key === 'End' ? last : null;
}

/**
 * The row of a long list that the keyboard is at. One Tab enters the list and one leaves it; arrow keys go through it.
 * It stays with its entry when newer ones arrive above.
 */
export function useRowCursor(rows: readonly { entry: number }[], focusRow: (index: number, entry: number) => void) {
  const [entry, choose] = useState<number | null>(null);
  const index = Math.max(
    0,
    rows.findIndex((row) => row.entry === entry),
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const next = destination(event.key, index, rows.length - 1);
    const row = next === null ? undefined : rows[next];
    if (next === null || row === undefined) return;
    event.preventDefault();
    choose(row.entry);
    focusRow(next, row.entry);
  };
  return { index, choose, onKeyDown };
}
