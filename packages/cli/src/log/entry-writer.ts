import type { AssayError } from '@assay/core/errors';
import { toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { digestText, entryKind, filenameHint, type FileDigest, type MeasurementEntry } from '@assay/core/measurement';
import { csvLine } from '../output/csv.ts';
import { jsonText } from '../output/report.ts';
import { Columns, colours } from '../output/terminal.ts';
import { entryDetails } from './entry-details.ts';
import { entryDocument } from './entry-document.ts';

/** Makes the output of entries as they come. */
export interface EntryWriter {
  entries(entries: readonly MeasurementEntry[]): string;
  /** What follows the last entry. @param failure what kept the rest from being read */
  end(failure?: AssayError): string;
}

export interface Listed {
  readonly file: string;
  readonly bank: HashName;
  readonly format: 'binary' | 'ascii';
}

/** One JSON document, an entry a line: a long list would be longer than a string can be. */
export class JsonWriter implements EntryWriter {
  readonly #head: string;
  readonly #long: boolean;
  #written = 0;

  constructor(listed: Listed, long: boolean) {
    this.#head = `${jsonText({ schema: 'assay.log.v1', ...listed }).slice(0, -1)},"entries":[\n`;
    this.#long = long;
  }

  entries(entries: readonly MeasurementEntry[]): string {
    const lines = entries.map((entry) => {
      const before = this.#written++ === 0 ? this.#head : ',\n';
      return before + jsonText(entryDocument(entry, this.#long));
    });
    return lines.join('');
  }

  end(failure?: AssayError): string {
    const { code, message, place } = failure ?? {};
    const error = failure === undefined ? '' : `,"error":${jsonText({ code, message, place })}`;
    return `${this.#written === 0 ? this.#head : '\n'}]${error}}\n`;
  }
}

/** A document a line, each with its schema: lines can be cut, sorted and joined. */
export class JsonLinesWriter implements EntryWriter {
  readonly #long: boolean;

  constructor(long: boolean) {
    this.#long = long;
  }

  entries(entries: readonly MeasurementEntry[]): string {
    const documents = entries.map((entry) => ({ schema: 'assay.log-entry.v1', ...entryDocument(entry, this.#long) }));
    return documents.map((document) => `${jsonText(document)}\n`).join('');
  }

  end(): string {
    return '';
  }
}

const CSV_HEAD = [
  'entry',
  'offset',
  'pcr',
  'template',
  'templateDigest',
  'kind',
  'digest',
  'filenameHint',
  'signature',
];

export class CsvWriter implements EntryWriter {
  #begun = false;

  entries(entries: readonly MeasurementEntry[]): string {
    return this.#head() + entries.map(csvEntry).join('');
  }

  end(): string {
    return this.#head();
  }

  #head(): string {
    const head = this.#begun ? '' : csvLine(CSV_HEAD);
    this.#begun = true;
    return head;
  }
}

function csvEntry(entry: MeasurementEntry): string {
  return csvLine([
    entry.number,
    entry.offset,
    entry.pcr,
    entry.template,
    toHex(entry.templateDigest),
    entryKind(entry),
    digestText(entry.fields.digest),
    filenameHint(entry.fields),
    toHex(entry.fields.signature ?? new Uint8Array(0)),
  ]);
}

const HEAD = ['ENTRY', 'PCR', 'TEMPLATE', 'TEMPLATE DIGEST', 'DIGEST', 'FILE OR EVENT'];
/** Bytes of a digest in a table. */
const SHORT = 8;

/** Columns are as wide as what came so far needs. */
export class TableWriter implements EntryWriter {
  readonly #columns = new Columns();
  #begun = false;

  entries(entries: readonly MeasurementEntry[]): string {
    const rows = entries.map(tableRow);
    if (!this.#begun) rows.unshift(HEAD.map((title) => colours(1).dim(title)));
    this.#begun = true;
    return this.#columns.text(rows);
  }

  end(): string {
    return this.#begun ? '' : this.entries([]);
  }
}

function tableRow(entry: MeasurementEntry): string[] {
  return [
    String(entry.number),
    String(entry.pcr),
    entry.template,
    entry.violation ? 'violation' : `${toHex(entry.templateDigest.subarray(0, SHORT))}…`,
    shortDigest(entry.fields.digest),
    filenameHint(entry.fields),
  ];
}

function shortDigest(digest: FileDigest | undefined): string {
  return digest === undefined ? '' : `${digestText({ ...digest, value: digest.value.subarray(0, SHORT) })}…`;
}

export class DetailsWriter implements EntryWriter {
  #begun = false;

  entries(entries: readonly MeasurementEntry[]): string {
    return entries.map((entry) => this.#gap() + entryDetails(entry, colours(1).dim)).join('');
  }

  end(): string {
    return '';
  }

  #gap(): string {
    const gap = this.#begun ? '\n' : '';
    this.#begun = true;
    return gap;
  }
}
