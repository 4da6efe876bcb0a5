import { concat, equalBytes, fromHex, isAllZero, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { IMA_PCR } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import {
  bootAggregate,
  byteOrderOf,
  emptyPcr,
  encodeBinaryEntry,
  encodeTemplateData,
  ListVerifier,
  parseBinaryList,
  replay,
  templateDigest,
  type EntryContent,
  type EntryFields,
  type ExpectedPcr,
  type FileDigest,
  type MeasurementEntry,
  type ReplayResult,
  type TemplateName,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { inPlaceHasher } from '@assay/linux/digests';

/** The banks that evmctl 1.4 knows. */
export const BANKS = ['sha1', 'sha256'] as const;
const PCRS = Array.from({ length: 24 }, (_, pcr) => pcr);

/** Every PCR of a machine in both banks. */
export type Pcrs = readonly ExpectedPcr[];

export function pcrsAfter(entries: readonly MeasurementEntry[]): Pcrs {
  return BANKS.flatMap((bank) =>
    PCRS.map((pcr) => replay(nodeHasher, { bank, pcr, value: emptyPcr(bank) }, entries)),
  ).map(({ bank, pcr, value }) => ({ bank, pcr, value }));
}

/** One bank, one PCR of which is another. */
export function withPcr(pcrs: Pcrs, bank: HashName, pcr: number, value: Uint8Array): Pcrs {
  return pcrs.map((one) => (one.bank === bank && one.pcr === pcr ? { bank, pcr, value } : one));
}

/** As evmctl reads them with `--pcrs BANK,FILE`: all 24 lines, or it takes none after the first that is missing. */
export function evmctlPcrFile(pcrs: Pcrs, bank: HashName): string {
  return pcrs
    .filter((one) => one.bank === bank)
    .map(({ pcr, value }) => `PCR-${String(pcr).padStart(2, '0')}: ${toHex(value).replaceAll(/..(?=.)/g, '$& ')}\n`)
    .join('');
}

/** As `assay log verify --pcrs FILE` reads them. */
export function assayPcrFile(pcrs: Pcrs): string {
  return pcrs.map(({ bank, pcr, value }) => `${bank}:${pcr} ${toHex(value)}\n`).join('');
}

/** `accepted`, or why not: the code of a FormatError, that of a wrong template digest, or PCR. */
export function ourAnswer(list: Uint8Array, pcrs: Pcrs, bank: HashName = 'sha1'): string {
  try {
    const form = { format: 'binary', bank, byteOrder: byteOrderOf(list, bank) } as const;
    const verifier = ListVerifier.begin({ form, expected: pcrs }, inPlaceHasher);
    verifier.push(list);
    verifier.end();
    const { forged, pcrs: replayed } = verifier.report;
    if (forged > 0) return 'IMA-TEMPLATE-DIGEST';
    // Of the machine's other PCRs a list may say nothing, or nothing yet.
    const told = replayed.filter(({ pcr, ...result }) => pcr === IMA_PCR || !isUntouched(result));
    const matched = ({ extends: count, expected, matchedEntries }: ReplayResult): boolean =>
      expected === undefined || (count === 0 ? isAllZero(expected) : matchedEntries !== undefined);
    return told.every(matched) ? 'accepted' : 'PCR';
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
}

function isUntouched({ extends: count, expected }: Pick<ReplayResult, 'extends' | 'expected'>): boolean {
  return count === 0 || (expected !== undefined && isAllZero(expected));
}

const FIELDS: EntryFields = {
  digest: { algorithm: 'sha1', type: 'ima', value: fromHex('a94a8fe5ccb19ba61c4c0873d391e987982fbbd3') },
  name: utf8('/nowhere/a'),
  signature: fromHex('030204a0b1c2d30004deadbeef'),
  evmSignature: fromHex('050204a0b1c2d30004deadbeef'),
  buffer: utf8('root=/dev/sda1'),
  modsigDigest: { algorithm: 'sha256', value: new Uint8Array(32).fill(0x5a) },
  modsig: fromHex('3082000a06092a864886f70d010702'),
  uid: 0,
  gid: 5,
  mode: 0o100755,
  xattrNames: ['security.ima'],
  xattrLengths: [3],
  xattrValues: fromHex('040401'),
};

/** That of a machine whose boot left every PCR as it was. */
const BOOT_AGGREGATE: FileDigest = {
  algorithm: 'sha1',
  type: 'ima',
  value: bootAggregate(nodeHasher, 'sha1', new Map(PCRS.map((pcr) => [pcr, emptyPcr('sha1')]))),
};

/** An entry of a template, right in every respect. */
export function entryOf(template: TemplateName, name: string, pcr = 10): EntryContent {
  const digest = name === 'boot_aggregate' ? { digest: BOOT_AGGREGATE } : {};
  const fields = { ...FIELDS, ...digest, name: utf8(name) };
  const content = { template, templateData: encodeTemplateData(template, fields) };
  return { pcr, ...content, templateDigest: templateDigest(nodeHasher, 'sha1', content) };
}

export function violationOf(entry: EntryContent): EntryContent {
  return { ...entry, templateDigest: new Uint8Array(20) };
}

/** Part of a record of the SHA-1 list to which an offset in the list belongs. */
export interface Place {
  readonly part: 'pcr' | 'digest' | 'name length' | 'name' | 'data';
  readonly entry: MeasurementEntry;
}

export function placeOf(entries: readonly MeasurementEntry[], offset: number): Place | undefined {
  const entry = entries.find((one) => offset >= one.offset && offset < one.offset + one.length);
  if (entry === undefined) return undefined;
  const at = offset - entry.offset;
  const afterName = 28 + entry.template.length;
  if (at < 4) return { part: 'pcr', entry };
  if (at < 24) return { part: 'digest', entry };
  if (at < 28) return { part: 'name length', entry };
  return { part: at < afterName ? 'name' : 'data', entry };
}

/**
 * How many entries evmctl reads: it stops where each PCR that the list has extended so far is the one expected, whatever
 * comes after, and whatever the other PCRs are.
 */
export function entriesReadByEvmctl(entries: readonly MeasurementEntry[], pcrs: Pcrs): number {
  const stops = entries.findIndex((_, index) => {
    const before = entries.slice(0, index + 1);
    return pcrsAfter(before).every(
      (now, at) => isAllZero(now.value) || equalBytes(now.value, pcrs[at]?.value ?? new Uint8Array(0)),
    );
  });
  return stops < 0 ? entries.length : stops + 1;
}

export function listOf(contents: readonly EntryContent[]): Uint8Array {
  return concat(contents.map(encodeBinaryEntry));
}

export function entriesIn(list: Uint8Array): MeasurementEntry[] {
  return parseBinaryList(list, { bank: 'sha1' }).entries;
}
