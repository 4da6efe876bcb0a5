import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { compareSides, type Change, type Comparison, type Difference } from '../log/difference.ts';
import { readSide, type Side } from '../log/side.ts';
import { ConnectOptions, ListOptions, optionsFrom } from '../options.ts';
import { csvLine } from '../output/csv.ts';
import { jsonText } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, shown } from '../output/terminal.ts';

const DiffOptions = ListOptions.extend({
  ...ConnectOptions.shape,
  output: z.enum(['text', 'json', 'jsonl', 'csv']),
  files: z.boolean().default(false),
});

interface Compared extends Comparison {
  readonly a: Side;
  readonly b: Side;
}

/** `assay log diff A B`: exit code 0 when both have measured the same, else 1. */
export async function diffLogs(first: unknown, second: unknown, given: unknown): Promise<number> {
  const { files, output, ...options } = optionsFrom(DiffOptions, given);
  const read = (source: unknown): Promise<Side> => readSide(z.string().parse(source), { ...options }, files);
  const a = await read(first);
  const b = await read(second);
  const compared = { a, b, ...compareSides(a, b) };
  const pieces = { text: textOf, json: jsonOf, jsonl: jsonLinesOf, csv: csvOf }[output];
  await printPieces(pieces(compared));
  return compared.differences.length === 0 ? EXIT.fine : EXIT.no;
}

const CHANGES: readonly Change[] = ['only-a', 'only-b', 'other-digest', 'other-algorithm', 'other-name'];

function counts(differences: readonly Difference[]): Record<string, number> {
  return Object.fromEntries(
    CHANGES.map((change) => [change, differences.filter((one) => one.change === change).length]),
  );
}

function* jsonOf({ a, b, same, differences }: Compared): Generator<string> {
  const side = ({ source, entries, items }: Side): object => ({ source, entries, different: items.size });
  const head = { schema: 'assay.log-diff.v1', a: side(a), b: side(b), same, counts: counts(differences) };
  yield `${jsonText(head).slice(0, -1)},"differences":[\n`;
  for (const [index, one] of differences.entries()) yield `${index === 0 ? '' : ',\n'}${jsonText(one)}`;
  yield '\n]}\n';
}

function* jsonLinesOf({ differences }: Compared): Generator<string> {
  for (const one of differences) yield `${jsonText({ schema: 'assay.log-difference.v1', ...one })}\n`;
}

function* csvOf({ differences }: Compared): Generator<string> {
  yield csvLine(['change', 'kind', 'nameA', 'nameB', 'digestsA', 'digestsB']);
  for (const { change, kind, nameA = '', nameB = '', digestsA, digestsB } of differences) {
    yield csvLine([change, kind, nameA, nameB, digestsA.join(' '), digestsB.join(' ')]);
  }
}

const TITLES: Readonly<Record<Change, string>> = {
  'only-a': 'Only in A',
  'only-b': 'Only in B',
  'other-digest': 'The same name, another digest',
  'other-algorithm': 'The same name, a digest of another algorithm: perhaps the same file',
  'other-name': 'The same digest, another name',
};

function* textOf({ a, b, same, differences }: Compared): Generator<string> {
  const colour = colours(1);
  for (const [name, { source, entries }] of [['A', a] as const, ['B', b] as const]) {
    yield `${name}  ${shown(source)}: ${entries} entries\n`;
  }
  if (differences.length === 0) yield colour.green(`nothing differs: ${same} are the same\n`);
  else yield `${same} the same, ${colour.yellow(`${differences.length} differences`)}\n`;
  for (const change of CHANGES) {
    const list = differences.filter((one) => one.change === change);
    if (list.length === 0) continue;
    yield `\n${colour.bold(`${TITLES[change]} (${list.length})`)}\n`;
    for (const one of list) yield differenceText(one);
  }
}

function differenceText({ change, kind, nameA = '', nameB = '', digestsA, digestsB }: Difference): string {
  const what = kind === 'file' ? '' : `  (${kind})`;
  switch (change) {
    case 'only-a':
      return `  ${nameA}${what}\n${digestLines('', digestsA)}`;
    case 'only-b':
      return `  ${nameB}${what}\n${digestLines('', digestsB)}`;
    case 'other-name':
      return `  A ${nameA}\n  B ${nameB}${what}\n${digestLines('', digestsA)}`;
    case 'other-digest':
    case 'other-algorithm':
      return `  ${nameA}${what}\n${digestLines('A ', digestsA)}${digestLines('B ', digestsB)}`;
  }
}

function digestLines(side: string, digests: readonly string[]): string {
  return digests.map((digest) => `    ${side}${colours(1).dim(digest)}\n`).join('');
}
