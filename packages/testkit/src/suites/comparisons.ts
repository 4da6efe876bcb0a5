import type { Agreement } from './suite.ts';

/** Comparisons of what a kernel says with what core says, each with its name. */
export class Comparisons implements Agreement {
  readonly disagreements: string[] = [];
  readonly #where: string;
  readonly #who: string;
  cases = 0;

  /**
   * @param where what was asked, for disagreements
   * @param who is compared with the kernel
   */
  constructor(where: string, who = 'core') {
    this.#where = where;
    this.#who = who;
  }

  compare(what: string, kernel: string, other: string): void {
    this.cases++;
    if (kernel !== other)
      this.disagreements.push(`${this.#where}, ${what}: the kernel says ${kernel}, ${this.#who} ${other}`);
  }

  holds(what: string, isSo: boolean): void {
    this.compare(what, 'true', String(isSo));
  }
}

/** All that several guests of a suite were asked. */
export function together(all: readonly Agreement[]): Agreement {
  return {
    cases: all.reduce((sum, { cases }) => sum + cases, 0),
    disagreements: all.flatMap(({ disagreements }) => disagreements),
    approximated: counted(all.flatMap(({ approximated = new Map<string, number>() }) => [...approximated])),
  };
}

function counted(all: readonly (readonly [reason: string, count: number])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [reason, count] of all) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return sums;
}
