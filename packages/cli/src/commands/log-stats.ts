import { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { listEntries, reportLost, withList } from '../list-file.ts';
import { EntryNumber } from '../log/entry-filter.ts';
import { ListStatistics, type Ranking, type Statistics } from '../log/statistics.ts';
import type { Many } from '../log/relation.ts';
import type { Counted } from '../log/tally.ts';
import { ListOptions, optionsFrom } from '../options.ts';
import { csvLine } from '../output/csv.ts';
import { printJson } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, shown, table } from '../output/terminal.ts';

const StatsOptions = ListOptions.extend({
  output: z.enum(['text', 'json', 'csv']),
  depth: EntryNumber.default(2),
  top: EntryNumber.default(10),
});

/** Rows of a ranking: they are held in memory. */
const LARGEST_TOP = 1000;

/** `assay log stats FILE` */
export async function logStatistics(path: unknown, given: unknown): Promise<number> {
  const { output, ...options } = optionsFrom(StatsOptions, given);
  const file = z.string().parse(path);
  if (options.top > LARGEST_TOP) throw new UsageError(`--top is at most ${LARGEST_TOP}`);
  return withList(file, options, async (list) => {
    reportLost(list);
    const statistics = new ListStatistics(options);
    for await (const entries of listEntries(list)) for (const entry of entries) statistics.add(entry);
    const result = statistics.result();
    const { bank, format } = list.form;
    if (output === 'json') printJson({ schema: 'assay.log-stats.v1', file, format, bank, ...result });
    else await printPieces(output === 'csv' ? csvOf(result) : textOf(file, result));
    return EXIT.fine;
  });
}

/** Columns of a table, right of its names. */
type Row = readonly [name: string, entries: number, bytes: number];

function* textOf(file: string, result: Statistics): Generator<string> {
  const colour = colours(1);
  const { entries, bytes, kernelMemory, boots, signed, violations, duplicates } = result;
  yield `${shown(file)}: ${entries} entries, ${size(bytes)}, about ${size(kernelMemory)} of kernel memory\n`;
  const title = (text: string): string => `\n${colour.bold(text)}\n`;
  if (boots.length > 1) {
    yield title(`${boots.length} boots or kernels, by their boot_aggregate`);
    yield rows(boots.map((boot) => [`from entry ${boot.firstEntry}`, boot.entries, boot.bytes]));
  }
  yield title('Kinds') + rows(result.kinds.map(row));
  if (result.pcrs.length > 1) yield title('PCRs') + rows(result.pcrs.map(row));
  yield title('Templates') + ranked(result.templates);
  yield title('Digests') + rows(result.algorithms.map(row));
  yield title('Directories') + ranked(result.directories);
  yield title('Largest entries');
  yield table(result.largest.map((one) => [`  ${one.entry}`, size(one.bytes), one.template, one.filenameHint]));
  yield title('Signatures');
  yield `  ${signed.signed} of ${signed.files} files have one; the templates of ${signed.withSignatureField} can have one\n`;
  if (violations.total > 0) {
    yield title('Violations');
    yield `  ${violations.measuredBefore} of files that had been measured, as when one is written to while it is read (ToMToU)\n`;
    yield `  ${violations.notMeasuredBefore} of others, as when one is measured that is open for writing\n`;
  }
  yield title('Duplicates');
  if (!duplicates.complete)
    yield `  ${colour.yellow('of the first entries only: the list has too many different ones')}\n`;
  yield `  ${duplicates.repeated} files that an earlier entry has with the same digest\n`;
  yield manyText('digests with several names', duplicates.digestsOfManyNames);
  yield manyText('names with several digests', duplicates.namesOfManyDigests);
}

function row({ name, entries, bytes }: Counted): Row {
  return [name, entries, bytes];
}

function rows(list: readonly Row[]): string {
  return table(list.map(([name, entries, bytes]) => [`  ${name}`, String(entries), size(bytes)]));
}

function ranked({ names, top, others }: Ranking): string {
  const left = names - top.length;
  const more = left === 0 ? '' : `  and ${left} more\n`;
  const beyond =
    others.entries === 0 ? '' : `  and ${others.entries} entries of others, which were too many to count\n`;
  return rows(top.map(row)) + more + beyond;
}

function manyText(what: string, { total, top }: { readonly total: number; readonly top: readonly Many[] }): string {
  const lines = top.map(({ name, count, some }) => {
    const more = count > some.length ? `, and ${count - some.length} more` : '';
    return `    ${name}\n${some.map((one) => `      ${one}\n`).join('')}${more === '' ? '' : `      ${more.slice(2)}\n`}`;
  });
  return `  ${total} ${what}\n${lines.join('')}`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

function size(bytes: number): string {
  const power = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`;
}

/** A row for each count: section, name, entries, bytes. */
function* csvOf(result: Statistics): Generator<string> {
  const { boots, templates, directories, duplicates, violations, signed } = result;
  const counts = (section: string, list: readonly Counted[]): string =>
    list.map(({ name, entries, bytes }) => csvLine([section, name, entries, bytes])).join('');
  yield csvLine(['section', 'name', 'entries', 'bytes']);
  yield csvLine(['list', '', result.entries, result.bytes]);
  yield csvLine(['kernel-memory', '', result.entries, result.kernelMemory]);
  for (const boot of boots) yield csvLine(['boot', boot.firstEntry, boot.entries, boot.bytes]);
  yield counts('kind', result.kinds) + counts('pcr', result.pcrs) + counts('template', templates.top);
  yield counts('digest', result.algorithms) + counts('directory', directories.top);
  for (const { entry, bytes, filenameHint } of result.largest)
    yield csvLine([`largest:${entry}`, filenameHint, 1, bytes]);
  for (const [name, count] of Object.entries(signed)) yield csvLine(['signed', name, count, '']);
  for (const [name, count] of Object.entries(violations)) yield csvLine(['violations', name, count, '']);
  for (const { name, count } of duplicates.digestsOfManyNames.top) yield csvLine(['digest-of-names', name, count, '']);
  for (const { name, count } of duplicates.namesOfManyDigests.top) yield csvLine(['name-of-digests', name, count, '']);
}
