import { toHex } from '@assay/core/bytes';
import { digestText, entryKind, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { readListFile, type ListFile } from '../list-file.ts';
import { ListOptions, optionsFrom } from '../options.ts';
import { jsonText } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, tableLines } from '../output/terminal.ts';

/** `assay log show FILE`: names are escaped, so that a hostile one does nothing to a terminal. */
export async function showLog(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ListOptions, given);
  const file = z.string().parse(path);
  const list = await readListFile(file, options);
  await printPieces(options.output === 'json' ? documentPieces(file, list) : tableLines(tableRows(list)));
  return EXIT.fine;
}

/** One JSON document, an entry a line: a long list would be longer than a string can be. */
function* documentPieces(file: string, { bank, entries }: ListFile): Generator<string> {
  yield `${jsonText({ schema: 'assay.log.v1', file, bank }).slice(0, -1)},"entries":[\n`;
  for (const [index, entry] of entries.entries()) {
    yield `${jsonText(jsonEntry(entry))}${index === entries.length - 1 ? '' : ','}\n`;
  }
  yield ']}\n';
}

function jsonEntry(entry: MeasurementEntry): object {
  const { signature, buffer } = entry.fields;
  return {
    entry: entry.number,
    offset: entry.offset,
    pcr: entry.pcr,
    template: entry.template,
    templateDigest: toHex(entry.templateDigest),
    kind: entryKind(entry),
    digest: digestText(entry.fields.digest),
    filenameHint: filenameHint(entry.fields),
    ...(signature === undefined || signature.length === 0 ? {} : { signature: toHex(signature) }),
    ...(buffer === undefined ? {} : { buffer: toHex(buffer) }),
  };
}

const HEAD = ['ENTRY', 'PCR', 'TEMPLATE', 'TEMPLATE DIGEST', 'DIGEST', 'FILE OR EVENT'];
const SHORT = 16;

function tableRows({ entries }: ListFile): Iterable<readonly string[]> {
  const head = HEAD.map((title) => colours(1).dim(title));
  return {
    *[Symbol.iterator]() {
      yield head;
      for (const entry of entries) yield tableRow(entry);
    },
  };
}

function tableRow(entry: MeasurementEntry): string[] {
  return [
    String(entry.number),
    String(entry.pcr),
    entry.template,
    entry.violation ? 'violation' : `${toHex(entry.templateDigest).slice(0, SHORT)}…`,
    shortDigest(digestText(entry.fields.digest)),
    filenameHint(entry.fields),
  ];
}

function shortDigest(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return hex === '' ? '' : `${algorithm}:${hex.slice(0, SHORT)}…`;
}
