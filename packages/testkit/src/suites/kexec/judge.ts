import { concat, toHex } from '@assay/core/bytes';
import { plainInPlaceHasher } from '@assay/core/hash';
import {
  bootAggregate,
  digestText,
  filenameHint,
  ListVerifier,
  parseBinaryList,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { VerifiedQuote } from '@assay/core/tpm';
import { Comparisons } from '../comparisons.ts';
import { pcrsOf, quoteOf, TPM_BANKS, type QuoteQuestion } from '../quoted.ts';
import { fileOf, textOf, type Files, type GuestAnswer } from '../suite.ts';

const PCR = 10;

/** One of the two kernels that ran without a reset between them. */
interface Boot {
  readonly files: Files;
  readonly list: Uint8Array;
  readonly entries: readonly MeasurementEntry[];
  readonly quote: VerifiedQuote;
}

export function judgeKexec({ kernel, asked, files }: GuestAnswer, question: QuoteQuestion): Comparisons {
  const all = new Comparisons(`${kernel.series} kexec`);
  const [before, after] = [bootOf(files, '1-', question), bootOf(files, '2-', question)];
  compareLoaded(before, asked, all);
  all.compare('command line of the kernel after', textOf(after.files, 'cmdline').trimEnd(), textOf(asked, 'cmdline'));
  for (const { entries, quote } of [before, after]) compareAggregate(entries, quote, all);
  all.compare('entries of the list after', '1', String(after.entries.length));
  all.compare('counters of the TPM', countersOf(before.quote), countersOf(after.quote));
  comparePcrs(before, after, all);
  return all;
}

function bootOf(files: Files, prefix: string, question: QuoteQuestion): Boot {
  const own = [...files].filter(([name]) => name.startsWith(prefix));
  const ofBoot = new Map(own.map(([name, data]) => [name.slice(prefix.length), data]));
  const list = fileOf(ofBoot, 'list');
  const { entries } = parseBinaryList(list, { bank: 'sha1' });
  return { files: ofBoot, list, entries, quote: quoteOf(ofBoot, question) };
}

/** Kernel, initial RAM file system and command line, as they were handed over. */
function compareLoaded({ entries }: Boot, asked: Files, all: Comparisons): void {
  const shown = entries
    .slice(1)
    .map(({ template, fields }) =>
      [template, filenameHint(fields), digestText(fields.digest), toHex(fields.buffer ?? new Uint8Array())]
        .join(' ')
        .trimEnd(),
    );
  const cmdline = fileOf(asked, 'cmdline');
  const digests = textOf(asked, 'digests').trimEnd().split('\n');
  const expected = [
    ...digests.map((line) => `ima-sig ${line.replace(' ', ' sha256:')}`),
    `ima-buf kexec-cmdline sha256:${toHex(nodeHasher.digest('sha256', cmdline))} ${toHex(cmdline)}`,
  ];
  all.compare('entries before', shown.join('; '), expected.join('; '));
}

/** Firmware PCRs stay as they are, and so does what the list begins with. */
function compareAggregate([first]: readonly MeasurementEntry[], { pcrValues }: VerifiedQuote, all: Comparisons): void {
  const values = pcrValues.get('sha256') ?? new Map<number, Uint8Array>();
  const expected = `sha256:${toHex(bootAggregate(nodeHasher, 'sha256', values))}`;
  all.compare('boot_aggregate', digestText(first?.fields.digest), expected);
}

function countersOf({ resetCount, restartCount }: VerifiedQuote): string {
  return `${resetCount} resets, ${restartCount} restarts`;
}

/** These kernels hand no list over (CONFIG_IMA_KEXEC): only both lists, one behind the other, lead to the PCR. */
function comparePcrs(before: Boot, after: Boot, all: Comparisons): void {
  for (const bank of TPM_BANKS) {
    const leads = (list: Uint8Array, to: Boot): boolean =>
      leadsTo(
        list,
        pcrsOf(to.files).filter((each) => each.bank === bank && each.pcr === PCR),
      );
    all.compare(`PCR ${bank}:${PCR} by the list before`, 'true', String(leads(before.list, before)));
    all.compare(`PCR ${bank}:${PCR} by the list after`, 'false', String(leads(after.list, after)));
    all.compare(`PCR ${bank}:${PCR} by both lists`, 'true', String(leads(concat([before.list, after.list]), after)));
  }
}

function leadsTo(list: Uint8Array, expected: ReturnType<typeof pcrsOf>): boolean {
  const form = { format: 'binary', bank: 'sha1' } as const;
  const verifier = ListVerifier.begin({ form, expected }, plainInPlaceHasher(nodeHasher));
  verifier.push(list);
  verifier.end();
  const rows = verifier.report.pcrs.filter((row) => row.expected);
  return rows.length > 0 && rows.every(({ lastEntry, matchedEntries }) => matchedEntries === lastEntry);
}
