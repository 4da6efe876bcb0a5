import { release } from 'node:os';

/** Linux 7.2 takes the programs, which then find no verdict and would refuse everything. */
const TRIED_BEFORE = 7;

/** @returns why the gate is not for this kernel, even if it takes the programs */
export function whyNotTried(kernel = release()): string | undefined {
  if (Number.parseInt(kernel, 10) < TRIED_BEFORE) return undefined;
  return `a kernel before ${TRIED_BEFORE}.0: on Linux ${kernel} the programs of the gate find no verdicts`;
}
