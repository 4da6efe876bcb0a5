import type { Agreement } from '@assay/testkit/suites';

/** One case: what the kernel and the engine did, and what they are to do. */
export interface ComparedRow {
  /** For people. */
  readonly what: string;
  readonly kernel: string;
  readonly engine: string;
  /** What core computes that the kernel does. */
  readonly expected: string;
  /** What the documentation of the engine leads to: mostly the same. */
  readonly documented: string;
  /** Why it is something else, where it is. */
  readonly reason: string;
  /** Accesses of the case; left out: one. */
  readonly weight?: number;
}

/** The engine has to do what the kernel did, or where the documentation says otherwise exactly that. */
export function compareRows(rows: readonly ComparedRow[]): Agreement {
  const approximated = new Map<string, number>();
  const disagreements: string[] = [];
  let cases = 0;
  for (const { what, kernel, engine, expected, documented, reason, weight = 1 } of rows) {
    const isExact = documented === expected;
    if (isExact) cases += weight;
    else approximated.set(reason, (approximated.get(reason) ?? 0) + weight);
    if (engine === documented && kernel === expected) continue;
    const otherwise = isExact ? '' : `, and documented is ${documented}`;
    disagreements.push(`${what}: the kernel says ${kernel}, the engine ${engine}${otherwise}`);
  }
  return { cases, disagreements, approximated };
}
