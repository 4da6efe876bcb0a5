import { z } from 'zod';
import { RequestProblem } from '../problem.ts';

const PAGE_DEFAULT = 100;
const PAGE_MOST = 1000;

/** Query members of every list; a cursor is what an earlier page called `next`. */
export const PAGING = {
  limit: z.coerce.number().int().min(1).max(PAGE_MOST).default(PAGE_DEFAULT),
  cursor: z.string().max(100).optional(),
};

/** One row more than the page tells whether another page follows. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string | number,
): { page: Row[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, next: rows.length > limit && last !== undefined ? String(cursorOf(last)) : null };
}

/** @throws RequestProblem REQUEST-INVALID for a cursor that no page gave */
export function numberCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^\d{1,15}$/.test(cursor)) throw new RequestProblem('REQUEST-INVALID', 'cursor: is not one of this list');
  return Number(cursor);
}
