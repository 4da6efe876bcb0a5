import { AssayError, FINDING_CODES, FORMAT_CODES, SYSTEM_CODES, type CodeText } from '@assay/core/errors';
import { ProblemError } from '@assay/wire';
import { isFileError, UsageError } from '../exit.ts';
import { colours } from './terminal.ts';

export type Format = 'text' | 'json';

/** One JSON document on stdout, as `-o json` promises. */
export function printJson(document: { readonly schema: string; readonly [member: string]: unknown }): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

const TEXTS: Readonly<Record<string, CodeText>> = { ...FORMAT_CODES, ...FINDING_CODES, ...SYSTEM_CODES };

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly place?: object;
}

/** Says what went wrong and what to do: to people on stderr, as a document on stdout with `-o json`. */
export function reportError(error: unknown, format: Format): void {
  const failure = describe(error);
  const colour = colours(2);
  process.stderr.write(`${colour.red('error')} ${failure.code}: ${failure.message}\n`);
  if (failure.remedy !== undefined) process.stderr.write(`${colour.dim('what to do')} ${failure.remedy}\n`);
  if (format === 'json') printJson({ schema: 'assay.error.v1', ...failure });
}

function describe(error: unknown): Failure {
  if (error instanceof AssayError) {
    const remedy = TEXTS[error.code]?.remedy;
    return {
      code: error.code,
      message: error.message,
      ...(remedy === undefined ? {} : { remedy }),
      place: error.place,
    };
  }
  if (error instanceof ProblemError) return describeProblem(error);
  if (error instanceof UsageError) return { code: 'USAGE', message: error.message };
  if (isFileError(error)) return { code: error.code, message: error.message.replace(`${error.code}: `, '') };
  return { code: 'INTERNAL', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function describeProblem({ problem }: ProblemError): Failure {
  const { code, detail, title, status } = problem;
  const remedy =
    status === 401 ? 'Run in the directory where `npm start` runs, or set ASSAY_TOKEN.' : TEXTS[code]?.remedy;
  return { code, message: detail || title, ...(remedy === undefined ? {} : { remedy }) };
}
