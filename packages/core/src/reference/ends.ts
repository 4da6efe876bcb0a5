import type { ReferenceDocument } from './document.ts';

/** The next time after another at which something of reference values ends: they themselves, a pool or an exclude. */
export function nextEnd({ validUntil, pools, excludes }: ReferenceDocument, after: Date): string | null {
  const ends = [validUntil, ...pools.map(({ until }) => until), ...excludes.map(({ expires }) => expires)];
  let next: string | null = null;
  for (const end of ends) {
    if (end === undefined || Date.parse(end) < after.getTime()) continue;
    if (next === null || Date.parse(end) < Date.parse(next)) next = end;
  }
  return next;
}
