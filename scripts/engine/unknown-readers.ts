/** Rules that measure who reads, and those that measure who executes, by the owners of ./workload-cases.ts. */
const READ_MEASURED = [6000, 6002, 6003];
const EXEC_MEASURED = [6005];

const READS = ['read', 'link', 'immutable'];
const WRITES = ['touch', 'append', 'change', 'rewrite', 'read-writing'];

/** How a step of a file went in the kernel. */
export interface ReaderStep {
  readonly owner: number;
  readonly step: string;
  readonly outcome: string;
  /** The kernel recorded a violation. */
  readonly isViolation: boolean;
}

/**
 * One file under the documented rule of the engine: it does not know who reads, so a writer that comes after a measured reader
 * is a violation (ToMToU), whether somebody reads still or not.
 */
export class UnknownReaders {
  #wasMeasured = false;

  /** @returns whether the engine lists a violation that the kernel does not */
  takes({ owner, step, outcome, isViolation }: ReaderStep): boolean {
    if (step === 'create' || (step === 'replace' && outcome === 'ok')) this.#wasMeasured = false;
    const isExtra = this.#wasMeasured && WRITES.includes(step);
    if (isExtra) this.#wasMeasured = false;
    if (measures(owner, step, outcome)) this.#wasMeasured = true;
    if (step === 'write-reading' && isViolation) this.#wasMeasured = false;
    return isExtra;
  }
}

function measures(owner: number, step: string, outcome: string): boolean {
  if (step === 'exec') return EXEC_MEASURED.includes(owner);
  if (!READ_MEASURED.includes(owner)) return false;
  return READS.includes(step) || step === 'write-reading' || (step === 'read-writing' && outcome === 'ok');
}
