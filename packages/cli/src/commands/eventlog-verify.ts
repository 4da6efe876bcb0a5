import { toHex } from '@assay/core/bytes';
import {
  bootAggregateCandidates,
  comparePcrs,
  coverageOf,
  firstDifference,
  kernelCommandLineOf,
  replayableBanks,
  replayEventLog,
  secureBootOf,
  type PcrComparison,
  type Quirk,
} from '@assay/core/eventlog';
import type { HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { z } from 'zod';
import {
  commandLineText,
  EventLogOptions,
  readEventLogFile,
  secureBootText,
  type EventLogFile,
} from '../eventlog-file.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown, table } from '../output/terminal.ts';
import { parsePcrOption, readPcrFile } from '../pcr-values.ts';

const VerifyOptions = EventLogOptions.extend({ pcr: z.array(z.string()).default([]), pcrs: z.string().optional() });

interface Row {
  readonly bank: HashName;
  readonly pcr: number;
  /** Replayed, hexadecimal; absent where the log does not speak for the PCR. */
  readonly value?: string;
  readonly expected?: string;
  readonly state?: PcrComparison['state'];
  readonly matched?: boolean;
  readonly quirk?: Quirk;
}

interface Verified {
  readonly read: EventLogFile;
  readonly rows: readonly Row[];
  readonly compared: readonly PcrComparison[];
  readonly answer: boolean;
}

/** `assay eventlog verify FILE`: exit code 0 when the log leads to every value that it speaks for, else 1. */
export async function verifyEventLog(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(VerifyOptions, given);
  const file = z.string().parse(path);
  const asked = options.pcr.map(parsePcrOption);
  const listed = options.pcrs === undefined ? undefined : await readPcrFile(options.pcrs);
  const read = await readEventLogFile(file, options.bank);
  const ofBank = listed?.filter(({ bank }) => options.bank === undefined || bank === options.bank) ?? [];
  const explicit = comparePcrs(nodeHasher, read.log, asked);
  const fromFile = comparePcrs(nodeHasher, read.log, ofBank);
  // A file has PCRs that others extend, such as PCR 10; but a file of which nothing is compared verifies nothing.
  const anyProved = listed === undefined || [...explicit, ...fromFile].some(provedByLog);
  const answer =
    anyProved &&
    explicit.every(({ state }) => state === 'matches') &&
    fromFile.every(({ state }) => state !== 'differs');
  const compared = [...explicit, ...fromFile];
  const rows = [
    ...plainRows(read, options.bank, compared),
    ...explicit.map((one) => rowOf(one, true)),
    ...fromFile.map((one) => rowOf(one, false)),
  ];
  const verified = { read, rows, compared, answer };
  if (options.output === 'json') printJson({ schema: 'assay.eventlog-verify.v1', ...documentOf(file, verified) });
  else process.stdout.write(textOf(file, verified));
  return answer ? EXIT.fine : EXIT.no;
}

function provedByLog({ state, replayed }: PcrComparison): boolean {
  return state === 'matches' && replayed !== undefined;
}

/** What the log leads to where no value was given. */
function plainRows({ log }: EventLogFile, only: HashName | undefined, compared: readonly PcrComparison[]): Row[] {
  const done = new Set(compared.map(({ bank, pcr }) => `${bank}:${pcr}`));
  const banks = replayableBanks(log).filter((bank) => only === undefined || bank === only);
  return banks.flatMap((bank) =>
    [...replayEventLog(nodeHasher, log, bank)]
      .filter(([pcr]) => !done.has(`${bank}:${pcr}`))
      .map(([pcr, value]) => ({ bank, pcr, value: toHex(value) })),
  );
}

function rowOf({ bank, pcr, value, state, replayed, quirk }: PcrComparison, explicit: boolean): Row {
  return {
    bank,
    pcr,
    ...(replayed === undefined ? {} : { value: toHex(replayed) }),
    expected: toHex(value),
    state,
    ...(state === 'not-in-log' && !explicit ? {} : { matched: state === 'matches' }),
    ...(quirk === undefined ? {} : { quirk }),
  };
}

function documentOf(file: string, { read: { log, bank }, rows, compared }: Verified): object {
  const first = firstDifference(compared);
  return {
    file,
    format: log.format,
    banks: log.banks,
    replayable: replayableBanks(log),
    bank,
    startupLocality: log.startupLocality,
    events: log.events.length,
    pcrs: rows,
    ...(first === undefined ? {} : { firstDifference: { bank: first.bank, pcr: first.pcr } }),
    secureBoot: { ...secureBootOf(nodeHasher, log, bank), proved: provesPcr(compared, bank, 7) },
    commandLine: commandLineDocument({ log, bank }, compared),
    bootAggregate: bootAggregateCandidates(nodeHasher, log),
    problems: problemsOf({ log, bank }),
  };
}

/** Whether a PCR of the bank that is judged was compared, and matches. */
function provesPcr(compared: readonly PcrComparison[], bank: HashName, pcr: number): boolean {
  const found = compared.filter((one) => one.pcr === pcr && one.bank === bank);
  return found.length > 0 && found.every(provedByLog);
}

function commandLineDocument({ log, bank }: EventLogFile, compared: readonly PcrComparison[]): object {
  const found = kernelCommandLineOf(nodeHasher, log, bank);
  return found.state === 'unknown' ? found : { ...found, proved: provesPcr(compared, bank, found.pcr) };
}

function commandLineLines({ log, bank }: EventLogFile, compared: readonly PcrComparison[]): string {
  const found = kernelCommandLineOf(nodeHasher, log, bank);
  const proved = found.state === 'unknown' || provesPcr(compared, bank, found.pcr);
  return commandLineText(found) + (proved ? '' : `  PCR ${found.pcr} was not compared or does not match: not proved\n`);
}

function problemsOf({ log, bank }: EventLogFile): { event: number; offset: number; message: string }[] {
  const contradicted = log.events.filter((event) => coverageOf(nodeHasher, event, bank).covers === 'contradicted');
  return contradicted.map(({ number: event, offset }) => ({
    event,
    offset,
    message: 'the digest is not of the data, as it is for events of this type: the data are not proved',
  }));
}

function textOf(file: string, { read, rows, compared }: Verified): string {
  const { log, bank } = read;
  const first = firstDifference(compared);
  const proved = provesPcr(compared, bank, 7) ? '' : '  PCR 7 was not compared or does not match: not proved\n';
  return [
    `${shown(file)}: ${log.format} log, ${log.events.length} events\n`,
    table(rows.map((row) => [`  ${row.bank}:${row.pcr}`, row.value ?? row.expected ?? '', stateText(row)])),
    first === undefined ? '' : `The first PCR that differs is ${first.pcr} (${first.bank})\n`,
    secureBootText(secureBootOf(nodeHasher, log, bank)),
    proved,
    commandLineLines(read, compared),
    ...problemsOf(read).map(({ event, offset, message }) => `event ${event} at offset ${offset}: ${message}\n`),
  ].join('');
}

function stateText({ state, expected, value, quirk }: Row): string {
  const colour = colours(1);
  if (state === undefined) return colour.dim('replayed');
  if (state === 'not-in-log') return colour.dim('not in this log');
  if (state === 'differs') return colour.red(`does not match ${expected?.slice(0, 16)}…`);
  const how = value === undefined ? 'matches: not extended' : 'matches';
  return colour.green(quirk === undefined ? how : `${how} (${quirk})`);
}
