// Writes docs/codes.md from the table of codes, and docs/adversary.md from that of forgeries: `npm run docs`
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FINDING_CODES,
  FORMAT_CODES,
  LINT_CODES,
  POLICY_CODES,
  REQUEST_CODES,
  RULE_CODES,
  SYSTEM_CODES,
  VERIFICATION_CODES,
  type CodeText,
  type FindingCode,
  type FormatCode,
} from '@assay/core/errors';
import { stepOf, type EvidenceStep } from '@assay/core/evidence';
import { ADVERSARY, type AdversaryCase } from '@assay/testkit/forge';
import { ROOT } from './workspace.ts';

export const CODES_FILE = join(ROOT, 'docs/codes.md');
export const ADVERSARY_FILE = join(ROOT, 'docs/adversary.md');

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

/** The text of docs/adversary.md. */
export function adversaryPage(): string {
  return `# Forgeries, one by one

What a verifier of machines has to withstand, with what Assay answers and which check of [evidence.md](evidence.md) it is that
fails. Tests carry these numbers. All that has a function in the forge kit (\`@assay/testkit/forge\`) is tried in
\`packages/core/test/adversary.test.ts\`; what needs a verifier that remembers, or a TPM, in the test that is named. This page
is written by \`npm run docs\`.

\`accept\` stands where something looks odd and is right: a verifier that refuses it is wrong, too. \`unreadable\` is any
error of form. \`secure-boot-unknown\`, \`command-line-unknown\` and \`not-proved\` are no errors: the log holds, and does not
prove what somebody might conclude from it.

| Case | Forgery | Answer | Check | Made by | Also tried in |
|---|---|---|---|---|---|
${ADVERSARY.map(adversaryRow).join('\n')}

Case 32 is not tried: Assay binds a host to its endorsement key, and does not read the instance identifiers of clouds:
[evidence.md](evidence.md#instances-of-clouds) says what that would take.
`;
}

function adversaryRow({ number, title, answers, kit, tests }: AdversaryCase): string {
  const steps = new Set(answers.flatMap((answer) => (isCode(answer) ? (stepOf(answer) ?? []) : (WORDS[answer] ?? []))));
  const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  return `| ${number} | ${title} | ${code(answers)} | ${[...steps].join(', ')} | ${code(kit)} | ${code(tests)} |`;
}

/** The check of an answer that is no code. */
const WORDS: Readonly<Record<string, EvidenceStep>> = {
  unreadable: 'form',
  'secure-boot-unknown': 'boot-log',
  'command-line-unknown': 'boot-log',
  'not-proved': 'boot-log',
};

function isCode(answer: string): answer is FindingCode | FormatCode {
  return Object.hasOwn(FORMAT_CODES, answer) || Object.hasOwn(FINDING_CODES, answer);
}

if (import.meta.main) {
  writeFileSync(CODES_FILE, codesPage());
  writeFileSync(ADVERSARY_FILE, adversaryPage());
}
