import { isAllZero, toHex } from '@assay/core/bytes';
import { IMA_PCR } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import type { ExtendRule, ListReport, ListStart, ReplayResult } from '@assay/core/measurement';
import { verifyList } from '@assay/linux/lists';
import { z } from 'zod';
import { bootSources, checkAggregates, type BootSource, type CheckedAggregate } from '../boot-aggregates.ts';
import { EXIT } from '../exit.ts';
import { withList, type OpenList } from '../list-file.ts';
import { ListOptions, optionsFrom } from '../options.ts';
import { colours, shown, table } from '../output/terminal.ts';
import { Progress } from '../output/progress.ts';
import { printJson } from '../output/report.ts';
import { parsePcrOption, readPcrFile, type GivenPcr } from '../pcr-values.ts';

const VerifyOptions = ListOptions.extend({
  pcr: z.array(z.string()).default([]),
  pcrs: z.string().optional(),
  eventlog: z.string().optional(),
});

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
  readonly code: 'IMA-TEMPLATE-DIGEST' | 'BOOT-AGGREGATE';
  readonly message: string;
}

interface Verified {
  readonly form: OpenList['form'];
  readonly report: ListReport;
  readonly pcrs: readonly ReplayedRow[];
  readonly aggregates: readonly CheckedAggregate[];
  /** What is before the first entry and not there to be verified. */
  readonly start?: ListStart | undefined;
}

/** `assay log verify FILE`: exit code 0 when the whole list is there, every recomputation holds and every expected PCR is matched, else 1. */
export async function verifyLog(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(VerifyOptions, given);
  const file = z.string().parse(path);
  const fromFile = options.pcrs === undefined ? [] : await readPcrFile(options.pcrs);
  const expected = [...options.pcr.map(parsePcrOption), ...fromFile];
  const sources = await bootSources(expected, options.eventlog);
  const verified = await withList(file, options, async (list) => verify(list, expected, sources));
  const problems = problemsOf(verified);
  if (options.output === 'json') printJson({ schema: 'assay.log-verify.v1', ...documentOf(file, verified, problems) });
  else process.stdout.write(textOf(file, verified, problems));
  const answer =
    problems.length === 0 && verified.start === undefined && verified.pcrs.every(({ matched }) => matched !== false);
  return answer ? EXIT.fine : EXIT.no;
}

/** Every PCR of the list in its own bank, and every given one. */
async function verify(
  list: OpenList,
  expected: readonly GivenPcr[],
  sources: readonly BootSource[],
): Promise<Verified> {
  // A process that waits for a pipe cannot exit by itself: there the signal ends it.
  if (list.size !== undefined) process.once('SIGINT', () => process.exit(EXIT.interrupted));
  const line = new Progress('entries', list.size);
  const progress = (entries: number, bytes: number): void => line.report(entries, bytes);
  try {
    const { form, start } = list;
    const { report } = await verifyList(list, { form, expected, progress, ...(start === undefined ? {} : { start }) });
    const pcrs = report.pcrs.map((result, index) => rowOf(result, expected[index]));
    return { form, report, pcrs, aggregates: checkAggregates(report, sources), start };
  } finally {
    line.end();
  }
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

function problemsOf({ report, aggregates }: Verified): Problem[] {
  const forged = report.forgedEntries.map(({ entry, offset }) => ({
    entry,
    offset,
    code: 'IMA-TEMPLATE-DIGEST' as const,
    message: 'the recorded template digest is not the digest of the template data',
  }));
  const ofBoot = aggregates.flatMap(({ entry, offset, message }) =>
    message === undefined ? [] : [{ entry, offset, code: 'BOOT-AGGREGATE' as const, message }],
  );
  return [...ofBoot, ...forged];
}

function documentOf(file: string, verified: Verified, problems: readonly Problem[]): object {
  const { form, report, pcrs, aggregates, start } = verified;
  const { entries, violations, templates } = report;
  const more = unnamed(report);
  return {
    file,
    format: form.format,
    bank: form.bank,
    entries,
    ...(start === undefined ? {} : { notProvedBefore: start.entries + 1 }),
    violations,
    templates: Object.fromEntries(templates),
    bootAggregates: aggregates.map(({ entry, digest, matched }) => ({ entry, digest, matched })),
    pcrs,
    problems,
    ...(more === 0 ? {} : { moreProblems: more }),
  };
}

/** Entries with a forged digest that no problem names. */
function unnamed({ forged, forgedEntries }: ListReport): number {
  return forged - forgedEntries.length;
}

function textOf(file: string, verified: Verified, problems: readonly Problem[]): string {
  const { form, report, pcrs, aggregates, start } = verified;
  const colour = colours(1);
  const { forged } = report;
  const entries = report.entries - (start?.entries ?? 0);
  const good = `${entries - forged} of ${entries} template digests (${form.bank}) hold`;
  const untouched = pcrs.filter((row) => row.expected !== undefined && row.matched === undefined);
  const rows = report.pcrs.flatMap((result, index) => {
    const row = pcrs[index];
    return row === undefined || untouched.includes(row) ? [] : [[row, result] as const];
  });
  return [
    `${shown(file)}: ${forged === 0 ? colour.green(good) : colour.red(good)}\n`,
    start === undefined ? '' : `  ${colour.red(lostText(start))}\n`,
    ...problems.map(({ entry, offset, message }) => `  entry ${entry} at offset ${offset}: ${message}\n`),
    unnamed(report) === 0 ? '' : `  ${unnamed(report)} more entries likewise\n`,
    ...aggregates
      .filter(({ matched }) => matched === true)
      .map(({ entry }) => `  entry ${entry}: ${colour.green('boot_aggregate is what the boot PCRs lead to')}\n`),
    table(rows.map(([row, result]) => [`  ${row.bank}:${row.pcr}`, row.value, matchText(row, result, report.entries)])),
    untouched.length === 0
      ? ''
      : colour.dim(`  ${untouched.length} other PCRs of the file are not extended by this list\n`),
  ].join('');
}

/** The record of the rotation says what the PCRs were there, and only the right values lead on to those of later. */
function lostText({ entries }: ListStart): string {
  return `not proved before entry ${entries + 1}: the archive with what was before is not there`;
}

function matchText(row: ReplayedRow, { lastEntry }: ReplayResult, entries: number): string {
  const colour = colours(1);
  if (row.matched === undefined) return colour.dim('replayed');
  if (!row.matched) return colour.red('does not match: list and PCR disagree');
  const { matchedEntries = lastEntry } = row;
  const padded = row.rule === undefined ? '' : ', with padded SHA-1 digests';
  const prefix = matchedEntries === lastEntry ? '' : ` after ${matchedEntries} of ${entries} entries`;
  return colour.green(`matches${prefix}${padded}`);
}
