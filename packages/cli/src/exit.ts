import { AssayError, FormatError, type SystemCode, SystemError } from '@assay/core/errors';
import { ProblemError } from '@assay/wire';

/** Exit codes of every command (docs/cli.md). */
export const EXIT = {
  fine: 0,
  no: 1,
  usage: 2,
  unreadable: 3,
  unreachable: 4,
  notPermitted: 5,
  interrupted: 130,
} as const;

const OF_SYSTEM: Partial<Record<SystemCode, number>> = {
  'TPM-UNREACHABLE': EXIT.unreachable,
  'TPM-RESPONSE': EXIT.unreachable,
  'VERIFIER-UNREACHABLE': EXIT.unreachable,
  'DATABASE-UNUSABLE': EXIT.unreachable,
  'ENGINE-UNREACHABLE': EXIT.unreachable,
  'NOT-PERMITTED': EXIT.notPermitted,
};

/** A wrong use of the command line that only shows when the command looks closer. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof SystemError) return OF_SYSTEM[error.code] ?? EXIT.unreadable;
  if (error instanceof FormatError) return EXIT.unreadable;
  if (error instanceof ProblemError) return exitCodeOfStatus(error.problem.status);
  if (error instanceof AssayError) return EXIT.no;
  if (isFileError(error))
    return error.code === 'EACCES' || error.code === 'EPERM' ? EXIT.notPermitted : EXIT.unreadable;
  return EXIT.unreadable;
}

function exitCodeOfStatus(status: number): number {
  if (status === 401 || status === 403) return EXIT.notPermitted;
  return status >= 500 || status === 429 ? EXIT.unreachable : EXIT.no;
}

/** An error of a file operation: those carry the path and a code such as ENOENT. */
export function isFileError(error: unknown): error is Error & { code: string; path?: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}
