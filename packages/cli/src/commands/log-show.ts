import { AssayError } from '@assay/core/errors';
import type { MeasurementEntry } from '@assay/core/measurement';
import { z } from 'zod';
import { EXIT, exitCodeOf, UsageError } from '../exit.ts';
import { listEntries, reportLost, withList } from '../list-file.ts';
import { EntryFilter, EntryNumber, FilterOptions } from '../log/entry-filter.ts';
import {
  CsvWriter,
  DetailsWriter,
  JsonLinesWriter,
  JsonWriter,
  TableWriter,
  type EntryWriter,
} from '../log/entry-writer.ts';
import { followList } from '../log/follow.ts';
import { ListOptions, optionsFrom } from '../options.ts';
import { reportError } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';

const ShowOptions = ListOptions.extend({
  ...FilterOptions.shape,
  output: z.enum(['text', 'json', 'jsonl', 'csv']),
  entry: EntryNumber,
  long: z.boolean().default(false),
  follow: z.boolean().default(false),
});
type ShowOptions = z.infer<typeof ShowOptions>;

/** `assay log show FILE`: names are escaped, so that a hostile one does nothing to a terminal. */
export async function showLog(path: unknown, given: unknown): Promise<number> {
  const options = alone(optionsFrom(ShowOptions, given));
  const file = z.string().parse(path);
  const filter = new EntryFilter(options);
  if (options.follow) return follow(file, options, filter);
  return withList(file, options, async (list) => {
    const { bank, format } = list.form;
    reportLost(list);
    const json = options.output === 'json' ? new JsonWriter({ file, bank, format }, options.long) : undefined;
    const entries = listEntries(list, { quiet: process.stdout.isTTY });
    return print(entries, filter, json ?? lineWriter(options), options.entry);
  });
}

/** `--entry N` is that entry alone, with all that it carries. */
function alone(options: ShowOptions): ShowOptions {
  const { entry, from, to, follow: follows, output } = options;
  if (follows && output === 'json') throw new UsageError('--follow has no end: take -o jsonl for a document a line');
  if (entry === undefined) return options;
  if (from !== undefined || to !== undefined || follows)
    throw new UsageError('--entry goes without --from, --to, --follow');
  return { ...options, from: entry, to: entry, long: true };
}

/** For output that has no end of its own. */
function lineWriter({ output, long }: ShowOptions): EntryWriter {
  if (output === 'jsonl') return new JsonLinesWriter(long);
  if (output === 'csv') return new CsvWriter();
  return long ? new DetailsWriter() : new TableWriter();
}

/** Shows what can be read; what keeps the rest from it is told behind. */
async function print(
  batches: AsyncIterable<MeasurementEntry[]>,
  filter: EntryFilter,
  writer: EntryWriter,
  wants: number | undefined,
): Promise<number> {
  let shown = 0;
  try {
    for await (const batch of batches) {
      const wanted = filter.wanted(batch);
      shown += wanted.length;
      if (wanted.length > 0) await printPieces([writer.entries(wanted)]);
      if (filter.done) break;
    }
  } catch (error) {
    if (!(error instanceof AssayError) || shown === 0) throw error;
    await printPieces([writer.end(error)]);
    reportError(error, 'text');
    return exitCodeOf(error);
  }
  if (shown === 0 && wants !== undefined) throw new UsageError(`--entry ${wants}: the list has no such entry`);
  await printPieces([writer.end()]);
  return EXIT.fine;
}

/** Until Ctrl-C, or as many entries as were asked for. */
async function follow(file: string, options: ShowOptions, filter: EntryFilter): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const writer = lineWriter(options);
  for await (const step of followList(file, options, stop.signal)) {
    if (step === 'again') {
      process.stderr.write('the list has started again: these are its first entries\n');
      continue;
    }
    const wanted = filter.wanted(step);
    if (wanted.length > 0) await printPieces([writer.entries(wanted)]);
    if (filter.done) return EXIT.fine;
  }
  return EXIT.interrupted;
}
