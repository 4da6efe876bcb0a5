/** A line of one text or of both. */
export interface DiffLine {
  /** Place in both texts together. */
  readonly place: number;
  readonly mark: ' ' | '+' | '-';
  readonly text: string;
}

/** Lines of the longest common subsequence stay; rules are few, so a table of all pairs will do. */
export function lineDiff(before: readonly string[], after: readonly string[]): DiffLine[] {
  const lengths = Array.from({ length: before.length + 1 }, () => after.map(() => 0));
  const at = (row: number, column: number): number => lengths[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      const same = before[row] === after[column];
      const length = same ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      lengths[row]?.splice(column, 1, length);
    }
  }
  const found: Omit<DiffLine, 'place'>[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, fresh] = [before[row], after[column]];
    if (old !== undefined && old === fresh) {
      found.push({ mark: ' ', text: old });
      row += 1;
      column += 1;
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      found.push({ mark: '-', text: old });
      row += 1;
    } else if (fresh !== undefined) {
      found.push({ mark: '+', text: fresh });
      column += 1;
    }
  }
  return found.map((line, place) => ({ ...line, place }));
}
