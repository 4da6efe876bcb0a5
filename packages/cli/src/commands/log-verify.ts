import { equalBytes, toHex } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { emptyPcr, matchingPrefix, replay, templateDigest, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { readListFile, type ListFile } from '../list-file.ts';
import { BankOptions, optionsFrom } from '../options.ts';
import { colours, shown, table } from '../output/terminal.ts';
import { printJson } from '../output/report.ts';
import { parsePcrOption, readPcrFile, type ExpectedPcr } from '../pcr-values.ts';

const VerifyOptions = BankOptions.extend({ pcr: z.array(z.string()).default([]), pcrs: z.string().optional() });

interface ReplayedRow {
  readonly bank: HashName;
  readonly pcr: number;
  /** Replayed over the whole list, hexadecimal. */
  readonly value: string;
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
  const list = await readListFile(file, options.bank);
  const pcrs = rowsOf(list, expected);
  const problems = problemsOf(list);
  if (options.output === 'json')
    printJson({ schema: 'assay.log-verify.v1', ...documentOf(file, list, pcrs, problems) });
  else process.stdout.write(textOf(file, list, pcrs, problems));
  return problems.length === 0 && pcrs.every(({ matched }) => matched !== false) ? EXIT.fine : EXIT.no;
}

/** Every PCR of the list in its own bank, and every expected one. */
function rowsOf({ bank, entries }: ListFile, expected: readonly ExpectedPcr[]): ReplayedRow[] {
  const used = new Set(entries.map(({ pcr }) => pcr));
  const asked = new Set(expected.map((one) => `${one.bank}:${one.pcr}`));
  const plain = [...used].filter((pcr) => !asked.has(`${bank}:${pcr}`)).map((pcr) => rowOf(entries, bank, pcr));
  return [...plain, ...expected.map((one) => rowOf(entries, one.bank, one.pcr, one.value))];
}

function rowOf(entries: readonly MeasurementEntry[], bank: HashName, pcr: number, expected?: Uint8Array): ReplayedRow {
  const from = { bank, pcr, value: emptyPcr(bank) };
  const row = { bank, pcr, value: toHex(replay(nodeHasher, from, entries).value) };
  if (expected === undefined) return row;
  const prefix = matchingPrefix(nodeHasher, from, entries, expected);
  // A PCR that nothing was extended into proves no list that has entries for it.
  const matched = prefix !== undefined && (prefix > 0 || !entries.some((entry) => entry.pcr === pcr));
  return { ...row, expected: toHex(expected), matched, ...(matched ? { matchedEntries: prefix } : {}) };
}

function problemsOf({ bank, entries }: ListFile): Problem[] {
  const forged = entries.filter(
    (entry) => !entry.violation && !equalBytes(templateDigest(nodeHasher, bank, entry), entry.templateDigest),
  );
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
    format: 'binary',
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
  return [
    `${shown(file)}: ${problems.length === 0 ? colour.green(good) : colour.red(good)}\n`,
    ...problems.map(({ entry, offset, message }) => `  entry ${entry} at offset ${offset}: ${message}\n`),
    table(pcrs.map((row) => [`  ${row.bank}:${row.pcr}`, row.value, matchText(row, list.entries.length)])),
  ].join('');
}

function matchText({ bank, expected, matched, matchedEntries }: ReplayedRow, entries: number): string {
  const colour = colours(1);
  if (matched === undefined) return colour.dim('replayed');
  if (!matched)
    return colour.red(
      `does not match: list and PCR disagree (${hashAlgorithm(bank).size}-byte value ${expected?.slice(0, 16)}…)`,
    );
  return colour.green(matchedEntries === entries ? 'matches' : `matches after ${matchedEntries} of ${entries} entries`);
}
