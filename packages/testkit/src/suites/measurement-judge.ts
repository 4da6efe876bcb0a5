import { concat, equalBytes, fromHex, toHex } from '@assay/core/bytes';
import { AssayError } from '@assay/core/errors';
import { isHashName, plainInPlaceHasher, type HashName } from '@assay/core/hash';
import {
  bootAggregate,
  digestText,
  encodeAsciiEntry,
  encodeBinaryEntry,
  filenameHint,
  hasRightDigest,
  ListVerifier,
  parseBinaryList,
  type ExpectedPcr,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { Comparisons } from './comparisons.ts';
import { NONCE, type MeasuredFile, type MeasuredKind } from './measurement-cases.ts';
import { expectedEntries, shownEntry, type ListBoot } from './measurement-expected.ts';
import { pcrsOf, quoteOf, TPM_BANKS } from './quoted.ts';
import { fileOf, textOf, type Agreement, type Files, type GuestAnswer } from './suite.ts';

/** PCRs of the boot, and those into which the rules measure. */
export const QUOTED: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15];

/** What one guest brought back. */
export function judgeLists({ kernel, asked, files }: GuestAnswer): Agreement {
  const [hash = '', template = ''] = textOf(asked, 'boot').trimEnd().split('\n');
  if (!isHashName(hash)) throw new RangeError(`no hash ${hash}`);
  const all = new Comparisons(`${kernel.series} ${template} ${hash}`);
  const pcrs = pcrsOf(files);
  for (const { bank, suffix } of listsOf(files)) {
    const binary = fileOf(files, `binary_runtime_measurements${suffix}`);
    const { entries } = parseBinaryList(binary, { bank });
    compareForms(entries, { bank, binary, ascii: fileOf(files, `ascii_runtime_measurements${suffix}`) }, all);
    comparePcrs(binary, bank, pcrs, all);
    if (bank === 'sha1') compareEntries(entries, asked, { hash, template, cmdline: '' }, { pcrs, all });
  }
  const violations = textOf(asked, 'files')
    .split('\n')
    .filter((line) => /\t(open-writer|tomtou)\t/.test(line));
  all.compare('number of violations', textOf(files, 'violations').trim(), String(violations.length));
  compareQuote(files, all);
  return all;
}

/** Since 6.10 a list for each bank. */
function listsOf(files: Files): { readonly bank: HashName; readonly suffix: string }[] {
  const ofBanks = TPM_BANKS.filter((bank) => files.has(`binary_runtime_measurements_${bank}`));
  return ofBanks.length === 0 ? [{ bank: 'sha1', suffix: '' }] : ofBanks.map((bank) => ({ bank, suffix: `_${bank}` }));
}

interface Forms {
  readonly bank: HashName;
  readonly binary: Uint8Array;
  readonly ascii: Uint8Array;
}

function compareForms(entries: readonly MeasurementEntry[], { bank, binary, ascii }: Forms, all: Comparisons): void {
  for (const entry of entries)
    all.holds(`${bank} digest of entry ${entry.number}`, hasRightDigest(nodeHasher, bank, entry));
  all.holds(`${bank} binary list written again`, equalBytes(concat(entries.map(encodeBinaryEntry)), binary));
  all.holds(`${bank} ascii list written again`, equalBytes(concat(entries.map(encodeAsciiEntry)), ascii));
}

function comparePcrs(binary: Uint8Array, bank: HashName, pcrs: readonly ExpectedPcr[], all: Comparisons): void {
  const expected = pcrs.filter(({ pcr }) => MEASURED_PCRS.includes(pcr));
  const verifier = ListVerifier.begin({ form: { format: 'binary', bank }, expected }, plainInPlaceHasher(nodeHasher));
  verifier.push(binary);
  verifier.end();
  for (const { bank: of, pcr, lastEntry, matchedEntries } of verifier.report.pcrs.filter((row) => row.expected)) {
    all.compare(`PCR ${of}:${pcr} by the ${bank} list`, String(lastEntry), String(matchedEntries));
  }
}

const MEASURED_PCRS: readonly number[] = [10, 11, 12, 15];

interface Beside {
  readonly pcrs: readonly ExpectedPcr[];
  readonly all: Comparisons;
}

function compareEntries(
  entries: readonly MeasurementEntry[],
  asked: Files,
  boot: ListBoot,
  { pcrs, all }: Beside,
): void {
  const [first, ...others] = entries;
  const bank = boot.template === 'ima' || boot.template === 'd|n' ? 'sha1' : boot.hash;
  const values = new Map(pcrs.filter((each) => each.bank === bank).map(({ pcr, value }) => [pcr, value]));
  const aggregate = `${bank}:${toHex(bootAggregate(nodeHasher, bank, values))}`;
  all.compare('boot_aggregate', digestText(first?.fields.digest).replace(/^ima-/, ''), aggregate);
  const files = textOf(asked, 'files').trimEnd().split('\n').map(parseFile);
  const expected = files.flatMap((file) => expectedEntries(file, boot));
  const ours = others.filter(({ fields }) => filenameHint(fields) !== 'boot_aggregate');
  all.compare('number of entries', String(ours.length), String(expected.length));
  for (const [index, text] of expected.entries()) {
    const entry = ours[index];
    all.compare(
      `entry ${index + 2}`,
      entry === undefined ? 'nothing' : shownEntry(entry.pcr, entry.template, entry.fields),
      text,
    );
  }
}

function compareQuote(files: Files, all: Comparisons): void {
  try {
    quoteOf(files, { nonce: NONCE, pcrs: QUOTED });
    all.holds('quote over the PCR values', true);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    all.compare('quote over the PCR values', 'a quote', `${error.code}: ${error.message}`);
  }
}

function parseFile(line: string): MeasuredFile {
  const [index, owner, kind = '', path = '', size, ima = '', evm = '', verity = ''] = line.split('\t');
  const [, algorithm = 'sha256', salt = ''] =
    /^--hash-alg=(\w+) --block-size=4096(?: --salt=(\w+))?$/.exec(verity) ?? [];
  return {
    index: Number(index),
    owner: Number(owner),
    kind: kindOf(kind),
    path: fromHex(path),
    size: Number(size),
    ima: ima === '' ? undefined : fromHex(ima),
    evm: evm === '' ? undefined : fromHex(evm),
    verity:
      verity === '' ? undefined : { algorithm: algorithm === 'sha512' ? 'sha512' : 'sha256', salt: fromHex(salt) },
  };
}

function kindOf(kind: string): MeasuredKind {
  return kind === 'open-writer' || kind === 'tomtou' ? kind : 'read';
}
