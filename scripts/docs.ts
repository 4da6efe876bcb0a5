// Writes docs/codes.md from the table of codes: `npm run docs`
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FORMAT_CODES,
  LINT_CODES,
  POLICY_CODES,
  REQUEST_CODES,
  RULE_CODES,
  SYSTEM_CODES,
  VERIFICATION_CODES,
  type CodeText,
} from '@assay/core/errors';
import { ROOT } from './workspace.ts';

export const CODES_FILE = join(ROOT, 'docs/codes.md');

interface Kind {
  readonly title: string;
  readonly about: string;
  readonly codes: Readonly<Record<string, CodeText>>;
}

const KINDS: readonly Kind[] = [
  {
    title: 'The input cannot be read',
    about: 'Kind: `FormatError`. On the command line: exit code 3.',
    codes: FORMAT_CODES,
  },
  {
    title: 'The evidence does not verify',
    about: 'Kind: `VerificationError`, and a finding of severity `failed`. On the command line: exit code 1.',
    codes: VERIFICATION_CODES,
  },
  {
    title: 'The evidence verifies, and is not accepted or not complete',
    about: 'Kind: finding only; it stands in a verdict and is never thrown. On the command line: exit code 1.',
    codes: POLICY_CODES,
  },
  {
    title: 'A machine, a device, a file or a peer does not do what is needed',
    about:
      'Kind: `SystemError`. On the command line: exit code 4 where a peer cannot be reached (TPM, verifier, database), ' +
      '5 where a privilege is missing, else 3.',
    codes: SYSTEM_CODES,
  },
  {
    title: 'The verifier refuses a request',
    about: 'Kind: `code` of a problem (RFC 9457) in an answer of the HTTP API.',
    codes: REQUEST_CODES,
  },
  {
    title: 'The kernel refuses a rule of an IMA policy, or the policy',
    about: 'Kind: `code` of a rule or of `load` in what `assay policy check` says. On the command line: exit code 1.',
    codes: RULE_CODES,
  },
  {
    title: 'The kernel accepts a rule that does not do what it looks like',
    about: 'Kind: `code` of `lint` in what `assay policy check` says. It does not change the exit code.',
    codes: LINT_CODES,
  },
];

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'fine: trusted, verified, done'],
  ['1', 'verified, and the answer is no: it does not match, is refused, is not trusted'],
  ['2', 'wrong usage'],
  ['3', 'an input cannot be read or is malformed, or a part of the system is missing'],
  ['4', 'a peer cannot be reached: TPM, verifier, database'],
  ['5', 'not permitted: a privilege or the operator token is missing'],
  ['130', 'interrupted'],
];

/** The text of docs/codes.md. */
export function codesPage(): string {
  return `# Codes

Every error, finding and refused request of Assay has a code. A code keeps its meaning from version to version; the
sentence beside it may change. This page is written by \`npm run docs\` from the tables in \`packages/core/src/errors\`.

## Exit codes

| code | meaning |
|---|---|
${EXIT_CODES.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

${KINDS.map(kindSection).join('\n')}`;
}

function kindSection({ title, about, codes }: Kind): string {
  return `## ${title}\n\n${about}\n\n${Object.entries(codes).map(codeSection).join('\n')}`;
}

function codeSection([code, { meaning, remedy }]: readonly [string, CodeText]): string {
  return `### ${code}\n\n${meaning}\n\nWhat to do: ${remedy}\n`;
}

if (import.meta.main) writeFileSync(CODES_FILE, codesPage());
