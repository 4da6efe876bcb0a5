import { toHex } from '@assay/core/bytes';
import { digestText, entryKind, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { readListFile } from '../list-file.ts';
import { BankOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, table } from '../output/terminal.ts';

/** `assay log show FILE`: names are escaped, so that a hostile one does nothing to a terminal. */
export async function showLog(path: unknown, given: unknown): Promise<number> {
  const options = BankOptions.parse(given);
  const file = z.string().parse(path);
  const { bank, entries } = await readListFile(file, options.bank);
  if (options.output === 'json') {
    printJson({ schema: 'assay.log.v1', file, bank, entries: entries.map(jsonEntry) });
  } else process.stdout.write(entryTable(entries));
  return EXIT.fine;
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

const SHORT = 16;

function entryTable(entries: readonly MeasurementEntry[]): string {
  const colour = colours(1);
  const head = ['ENTRY', 'PCR', 'TEMPLATE', 'TEMPLATE DIGEST', 'DIGEST', 'FILE OR EVENT'].map((title) =>
    colour.dim(title),
  );
  const rows = entries.map((entry) => [
    String(entry.number),
    String(entry.pcr),
    entry.template,
    entry.violation ? 'violation' : `${toHex(entry.templateDigest).slice(0, SHORT)}…`,
    shortDigest(digestText(entry.fields.digest)),
    filenameHint(entry.fields),
  ]);
  return table([head, ...rows]);
}

function shortDigest(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return hex === '' ? '' : `${algorithm}:${hex.slice(0, SHORT)}…`;
}
