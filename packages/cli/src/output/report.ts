import { AssayError, FINDING_CODES, FORMAT_CODES, REQUEST_CODES, SYSTEM_CODES } from '@assay/core/errors';
import { ProblemError } from '@assay/wire';
import { isFileError, UsageError } from '../exit.ts';
import { remedyOfFileError } from './file-remedies.ts';
import { colours, shown } from './terminal.ts';

export type Format = 'text' | 'json';

/** One JSON document on stdout, as `-o json` promises. */
export function printJson(document: { readonly schema: string; readonly [member: string]: unknown }): void {
  process.stdout.write(`${jsonText(document, 2)}\n`);
}

/** JSON leaves characters raw that a terminal obeys or hides; escaped they mean the same. */
export function jsonText(value: object, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escapedUnits);
}

function escapedUnits(character: string): string {
  return Array.from({ length: character.length }, (_, unit) => escapedUnit(character.charCodeAt(unit))).join('');
}

function escapedUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

const TEXTS = {
  ...FORMAT_CODES,
  ...FINDING_CODES,
  ...SYSTEM_CODES,
  ...REQUEST_CODES,
};

/** What to do about an error, in a sentence. */
export function remedyOf(code: keyof typeof TEXTS): string {
  return TEXTS[code].remedy;
}

function isListed(code: string): code is keyof typeof TEXTS {
  return Object.hasOwn(TEXTS, code);
}

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
  const message =
    failure.code === 'INTERNAL' ? failure.message.split('\n').map(shown).join('\n') : shown(failure.message);
  process.stderr.write(`${colour.red('error')} ${shown(failure.code)}: ${message}\n`);
  if (failure.remedy !== undefined) process.stderr.write(`${colour.dim('what to do')} ${failure.remedy}\n`);
  if (format === 'json') printJson({ schema: 'assay.error.v1', ...failure });
}

function describe(error: unknown): Failure {
  if (error instanceof AssayError) {
    const { code, message, place } = error;
    return { code, message, remedy: remedyOf(code), place };
  }
  if (error instanceof ProblemError) return describeProblem(error);
  if (error instanceof UsageError) {
    return { code: 'USAGE', message: error.message, remedy: 'Run it with --help for its options.' };
  }
  if (isFileError(error)) return describeFileError(error);
  return { code: 'INTERNAL', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function describeFileError({ code, message }: Error & { readonly code: string }): Failure {
  const remedy = remedyOfFileError(code);
  return { code, message: message.replace(`${code}: `, ''), ...(remedy === undefined ? {} : { remedy }) };
}

const UNAUTHENTICATED =
  'Run it where `assay up` runs, name its state directory with --state, or set ASSAY_TOKEN. An agent enrols with ' +
  '--join-token-file or ASSAY_JOIN_TOKEN.';

function describeProblem({ problem }: ProblemError): Failure {
  const { code, detail, title, status } = problem;
  const known = isListed(code) ? remedyOf(code) : undefined;
  const remedy = status === 401 ? UNAUTHENTICATED : known;
  return { code, message: detail || title, ...(remedy === undefined ? {} : { remedy }) };
}
