import { load } from 'koffi';

/** The number that a failed system call left; the cause of errors that say the same in words. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly errno: number;

  constructor(errno: number) {
    super(errnoText(errno));
    this.errno = errno;
  }
}

const textOf: (errno: number) => string = load(null).func('const char *strerror(int errno)');

/** What the C library says to the number of an error, such as `No such file or directory`. */
export function errnoText(errno: number): string {
  return textOf(errno);
}

/** The number of the failed system call behind an error, of this package or of node:fs; undefined where there is none. */
export function errnoOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof CallFailure) return error.errno;
  if ('errno' in error && typeof error.errno === 'number') return Math.abs(error.errno);
  return errnoOf(error.cause);
}
