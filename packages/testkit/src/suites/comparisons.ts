import type { Agreement } from './suite.ts';

/** Comparisons of what a kernel says with what core says, each with its name. */
export class Comparisons implements Agreement {
  readonly disagreements: string[] = [];
  readonly #where: string;
  cases = 0;

  /** @param where what was asked, for disagreements */
  constructor(where: string) {
    this.#where = where;
  }

  compare(what: string, kernel: string, core: string): void {
    this.cases++;
    if (kernel !== core) this.disagreements.push(`${this.#where}, ${what}: the kernel says ${kernel}, core ${core}`);
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
  };
}
