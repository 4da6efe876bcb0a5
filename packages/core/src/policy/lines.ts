import { FormatError } from '../errors/index.ts';

/** A word of a rule: an action, a condition or an option. The kernel splits at blanks and tabs only. */
export interface PolicyToken {
  /** Blanks in front of it. */
  readonly before: string;
  readonly text: string;
  /** Of its first character, from 1, in UTF-16 code units. */
  readonly column: number;
}

/** One line with all that stands in it; {@link printPolicy} gives it back unchanged. */
export interface PolicyLine {
  /** From 1. */
  readonly number: number;
  /** Empty in a line that is blank or a comment. */
  readonly tokens: readonly PolicyToken[];
  /** From a word that begins with `#` to the end of the line. Behind a rule only Linux 6.14 and later allow it. */
  readonly comment?: PolicyToken;
  /** Blanks at the end. */
  readonly after: string;
  /** Nothing at the end of a file whose last line is not ended. */
  readonly end: '\n' | '';
}

/**
 * Splits a policy into lines and words as ima_parse_add_rule and ima_parse_rule (security/integrity/ima/ima_policy.c)
 * do. Every text without NUL is a policy in this sense; what the kernel says to its rules tells `checkPolicy`.
 * @throws FormatError POLICY-TEXT with line and column
 */
export function parsePolicy(text: string): PolicyLine[] {
  const pieces = text.split('\n');
  const last = pieces.pop() ?? '';
  const lines = pieces.map((piece, index) => parseLine(piece, index + 1, '\n'));
  return last === '' ? lines : [...lines, parseLine(last, lines.length + 1, '')];
}

/** The text that was parsed: `printPolicy(parsePolicy(text)) === text`. */
export function printPolicy(lines: readonly PolicyLine[]): string {
  return lines.map(printLine).join('');
}

/**
 * The same rules in the same order with the same comments: one blank between words, none around a line, the last line
 * ended. It changes no verdict on a rule; the space in front of a comment behind a rule stays, as it may be aligned.
 */
export function formatPolicy(lines: readonly PolicyLine[]): string {
  return lines.map((line) => `${ruleText(line)}${commentText(line)}\n`).join('');
}

/** The rule of a line: its words, one blank between them. */
export function ruleText(line: PolicyLine): string {
  return line.tokens.map(({ text }) => text).join(' ');
}

function commentText({ tokens, comment }: PolicyLine): string {
  if (comment === undefined) return '';
  return `${tokens.length === 0 ? '' : comment.before}${comment.text}`.replace(/[ \t]+$/, '');
}

function printLine({ tokens, comment, after, end }: PolicyLine): string {
  const words = comment === undefined ? tokens : [...tokens, comment];
  return `${words.map(({ before, text }) => before + text).join('')}${after}${end}`;
}

function parseLine(text: string, number: number, end: '\n' | ''): PolicyLine {
  const zero = text.indexOf('\0');
  if (zero >= 0) {
    const column = zero + 1;
    throw new FormatError('POLICY-TEXT', `line ${number}, column ${column}: a NUL character`, { line: number, column });
  }
  const tokens: PolicyToken[] = [];
  let at = 0;
  while (at < text.length) {
    const start = nextWord(text, at);
    if (start === text.length) break;
    const before = text.slice(at, start);
    if (text[start] === '#') {
      const comment = { before, text: text.slice(start), column: start + 1 };
      return { number, tokens, comment, after: '', end };
    }
    at = wordEnd(text, start);
    tokens.push({ before, text: text.slice(start, at), column: start + 1 });
  }
  return { number, tokens, after: text.slice(at), end };
}

function nextWord(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text[at])) at++;
  return at;
}

function wordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isBlank(text[at])) at++;
  return at;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
