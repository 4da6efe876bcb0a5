import { toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { ENGINE_RECORDS, entryKind, parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import {
  Comparisons,
  fileOf,
  measurementLists,
  textOf,
  type Agreement,
  type Files,
  type GuestAnswer,
} from '@assay/testkit/suites';
import { askEngine } from './ask.ts';
import { parseBoot } from './question.ts';
import { engineSuite } from './suite.ts';

/** Whether the lists of the engine are those of kernels, byte for byte but for its records about itself. */
export const engineLists = engineSuite({
  name: 'engine-lists',
  title: 'the engine, on ext4: entries of the list with their digests in every bank, violations among them',
  asks: measurementLists,
  ask: ({ kernel, asked }) => {
    const [hash = '', template = ''] = textOf(asked, 'boot').trimEnd().split('\n');
    const kept = linesOf(asked).filter(isAsked);
    const files = new Map([...asked, ['files', utf8(kept.map((line) => `${line}\n`).join(''))]]);
    return askEngine({ kernel, boot: parseBoot(['off', hash, template]), program: 'measurement-list.py', files });
  },
  compare,
});

function linesOf(asked: Files): string[] {
  return textOf(asked, 'files').trimEnd().split('\n');
}

/** The last word tells how fs-verity is enabled, which few machines can. */
function isAsked(line: string): boolean {
  return line.endsWith('\t');
}

function compare({ kernel, asked, files }: GuestAnswer, found: Files): Agreement {
  const all = new Comparisons(`${kernel.series} ${textOf(asked, 'boot').trim()}`, 'the engine');
  for (const bank of banksOf(files)) {
    const said = entriesIn(files, bank).filter(ofAskedFiles(linesOf(asked)));
    const did = entriesIn(found, bank);
    all.compare(`number of entries in the ${bank} list`, String(said.length), String(did.length));
    for (const [index, entry] of said.entries()) {
      const other = did[index];
      all.compare(`${bank} ${index}`, shown(entry), other === undefined ? 'nothing' : shown(other));
    }
  }
  return all;
}

function banksOf(files: Files): HashName[] {
  const banks = (['sha1', 'sha256', 'sha384', 'sha512'] as const).filter((bank) => files.has(listOf(bank)));
  return banks.length === 0 ? ['sha1'] : banks;
}

function listOf(bank: HashName): string {
  return `binary_runtime_measurements_${bank}`;
}

/** Kernels until 6.9 have one list. The first entry tells of the boot, which was another one. */
function entriesIn(files: Files, bank: HashName): MeasurementEntry[] {
  const name = files.has(listOf(bank)) ? listOf(bank) : 'binary_runtime_measurements';
  const { entries } = parseBinaryList(fileOf(files, name), { bank });
  return entries.filter((entry) => entryKind(entry) !== 'boot-aggregate' && !RECORDS.has(nameOf(entry)));
}

const RECORDS: ReadonlySet<string> = new Set(Object.values(ENGINE_RECORDS));

function nameOf({ fields }: MeasurementEntry): string {
  return Buffer.from(fields.name ?? []).toString('latin1');
}

/** Each file brings one entry, and another one where it is written meanwhile. */
function ofAskedFiles(lines: readonly string[]): (entry: unknown, index: number) => boolean {
  const places = lines.flatMap((line) => {
    const [, , kind] = line.split('\t');
    return kind === 'read' ? [isAsked(line)] : [isAsked(line), isAsked(line)];
  });
  return (_, index) => places[index] === true;
}

function shown({ pcr, template, templateDigest, templateData }: MeasurementEntry): string {
  return `${pcr} ${toHex(templateDigest)} ${template} ${toHex(templateData)}`;
}
