import { isAllZero, toHex } from '@assay/core/bytes';
import { IMA_PCR } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { hasRightDigest, ListReplay, type ExtendRule, type ReplayResult } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { readListFile, type ListFile } from '../list-file.ts';
import { ListOptions, optionsFrom } from '../options.ts';
import { colours, shown, table } from '../output/terminal.ts';
import { printJson } from '../output/report.ts';
import { parsePcrOption, readPcrFile, type GivenPcr } from '../pcr-values.ts';

const VerifyOptions = ListOptions.extend({ pcr: z.array(z.string()).default([]), pcrs: z.string().optional() });

interface ReplayedRow {
  readonly bank: HashName;
  readonly pcr: number;
  /** Replayed over the whole list, hexadecimal. */
  readonly value: string;
  /** How the kernel filled the bank, where not with digests of its own. */
  readonly rule?: ExtendRule;
  readonly expected?: string;
  readonly matched?: boolean;
  /** Length of the prefix that leads to the expected value. */
  readonly matchedEntries?: number;
}

interface Problem {
  readonly entry: number;
  readonly offset: number;
  readonly code: 'IMA-TEMPLATE-DIGEST';
  readonly message: string;
}

/** `assay log verify FILE`: exit code 0 when every recomputation holds and every expected PCR is matched, else 1. */
export async function verifyLog(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(VerifyOptions, given);
  const file = z.string().parse(path);
  const fromFile = options.pcrs === undefined ? [] : await readPcrFile(options.pcrs);
  const expected = [...options.pcr.map(parsePcrOption), ...fromFile];
  const list = await readListFile(file, options);
  const pcrs = rowsOf(list, expected);
  const problems = problemsOf(list);
  if (options.output === 'json')
    printJson({ schema: 'assay.log-verify.v1', ...documentOf(file, list, pcrs, problems) });
  else process.stdout.write(textOf(file, list, pcrs, problems));
  return problems.length === 0 && pcrs.every(({ matched }) => matched !== false) ? EXIT.fine : EXIT.no;
}

/** Every PCR of the list in its own bank, and every given one. */
function rowsOf({ bank, entries }: ListFile, given: readonly GivenPcr[]): ReplayedRow[] {
  const replay = new ListReplay(nodeHasher, bank, given);
  for (const entry of entries) replay.add(entry);
  return replay.results().map((result, index) => rowOf(result, given[index]));
}

function rowOf(result: ReplayResult, given: GivenPcr | undefined): ReplayedRow {
  const { bank, pcr, rule } = result;
  const row = { bank, pcr, value: toHex(result.value), ...(rule === 'own-digest' ? {} : { rule }) };
  if (given === undefined) return row;
  const expected = toHex(given.value);
  // The PCRs of a machine may have been read before the list's first entry for one of them.
  const notYet = given.from === 'file' && pcr !== IMA_PCR && isAllZero(given.value);
  const matchedEntries = result.matchedEntries ?? (notYet ? 0 : undefined);
  if (result.extends > 0) {
    return {
      ...row,
      expected,
      matched: matchedEntries !== undefined,
      ...(matchedEntries === undefined ? {} : { matchedEntries }),
    };
  }
  // The list says nothing of this PCR. A file has the PCRs of the whole machine; only PCR 10 is IMA's alone.
  if (given.from === 'file' && pcr !== IMA_PCR) return { ...row, expected };
  return { ...row, expected, matched: isAllZero(given.value) };
}

function problemsOf({ bank, entries }: ListFile): Problem[] {
  const forged = entries.filter((entry) => !hasRightDigest(nodeHasher, bank, entry));
  return forged.map(({ number, offset }) => ({
    entry: number,
    offset,
    code: 'IMA-TEMPLATE-DIGEST',
    message: 'the recorded template digest is not the digest of the template data',
  }));
}

function documentOf(file: string, list: ListFile, pcrs: readonly ReplayedRow[], problems: readonly Problem[]): object {
  const templates = Object.fromEntries(countBy(list.entries.map(({ template }) => template)));
  const violations = list.entries.filter(({ violation }) => violation).length;
  return {
    file,
    format: list.format,
    bank: list.bank,
    entries: list.entries.length,
    violations,
    templates,
    pcrs,
    problems,
  };
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function textOf(file: string, list: ListFile, pcrs: readonly ReplayedRow[], problems: readonly Problem[]): string {
  const colour = colours(1);
  const good = `${list.entries.length - problems.length} of ${list.entries.length} template digests (${list.bank}) hold`;
  const untouched = pcrs.filter((row) => row.expected !== undefined && row.matched === undefined);
  const rows = pcrs.filter((row) => !untouched.includes(row));
  return [
    `${shown(file)}: ${problems.length === 0 ? colour.green(good) : colour.red(good)}\n`,
    ...problems.map(({ entry, offset, message }) => `  entry ${entry} at offset ${offset}: ${message}\n`),
    table(rows.map((row) => [`  ${row.bank}:${row.pcr}`, row.value, matchText(row, list)])),
    untouched.length === 0
      ? ''
      : colour.dim(`  ${untouched.length} other PCRs of the file are not extended by this list\n`),
  ].join('');
}

function matchText(row: ReplayedRow, { entries }: ListFile): string {
  const colour = colours(1);
  if (row.matched === undefined) return colour.dim('replayed');
  if (!row.matched) return colour.red('does not match: list and PCR disagree');
  const { matchedEntries = entries.length } = row;
  const whole = !entries.slice(matchedEntries).some(({ pcr }) => pcr === row.pcr);
  const padded = row.rule === undefined ? '' : ', with padded SHA-1 digests';
  return colour.green(`matches${whole ? '' : ` after ${matchedEntries} of ${entries.length} entries`}${padded}`);
}
