import type { ReactNode } from 'react';

/** One column of a table of many rows. Columns are made once, outside of components. */
export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** Its track in the grid: `8rem`, `minmax(0,1fr)`. */
  readonly track: string;
  readonly cell: (row: Row) => ReactNode;
  /** Ascending order; a column without it cannot be sorted. */
  readonly compare?: (a: Row, b: Row) => number;
  /** Least width of the table, in rem, at which there is room for it. */
  readonly from?: number;
  readonly end?: boolean;
}

/** Where sentences have lines of their own, other columns have this much more room, in rem. */
export const STACKED_MORE = 10;

/** `name` ascending, `-name` descending. */
export type Sort = string;

const idOf = (sort: Sort): string => sort.replace(/^-/, '');

export const directionOf = (sort: Sort, id: string): 'ascending' | 'descending' | undefined =>
  idOf(sort) === id ? (sort.startsWith('-') ? 'descending' : 'ascending') : undefined;

/** What a press on the head of a column makes of the order. */
export const turned = (sort: Sort, id: string): Sort => (sort === id ? `-${id}` : id);

/** Rows that compare equal keep their order. */
export function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): readonly Row[] {
  const compare = columns.find(({ id }) => id === idOf(sort))?.compare;
  if (compare === undefined) return rows;
  return sort.startsWith('-') ? rows.toSorted((a, b) => compare(b, a)) : rows.toSorted(compare);
}

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
