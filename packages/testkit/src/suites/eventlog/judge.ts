import { equalBytes, toHex } from '@assay/core/bytes';
import { AssayError } from '@assay/core/errors';
import {
  comparePcrs,
  parseEventLog,
  parseSignatureLists,
  parseVariable,
  verifyEventLog,
  type BootEvent,
  type ParsedEventLog,
  type VerifiedEventLog,
} from '@assay/core/eventlog';
import { digestText, parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { Comparisons } from '../comparisons.ts';
import { pcrsOf, quoteOf } from '../quoted.ts';
import { fileOf, textOf, type Files, type GuestAnswer } from '../suite.ts';
import { BOOT_NAMES, QUESTION } from './boots.ts';

/** What core says of the boots of one machine, beside what its TPM, its firmware and its kernel say. */
export function judgeEventLogs(answers: readonly GuestAnswer[]): Comparisons[] {
  const boots = answers.map((answer) => judgeBoot(answer));
  const [, before, after] = answers;
  if (before === undefined || after === undefined) throw new RangeError('the suite boots one machine four times');
  return [...boots, judgeExchange(before, after)];
}

function judgeBoot({ kernel, asked, files }: GuestAnswer): Comparisons {
  const all = new Comparisons(`${kernel.series} ${textOf(asked, 'boot')}`);
  const log = parseEventLog(fileOf(files, 'log'));
  for (const { bank, pcr, value, state, replayed } of comparePcrs(nodeHasher, log, bootPcrs(files))) {
    all.compare(
      `PCR ${bank}:${pcr}`,
      toHex(value),
      state === 'matches' ? toHex(value) : toHex(replayed ?? new Uint8Array()),
    );
  }
  const verified = verifiedLog(log, files, all);
  if (verified === undefined) return all;
  compareVariables(log, files, all);
  compareSecureBoot(verified, files, all);
  compareAggregate(verified, files, all);
  return all;
}

function bootPcrs(files: Files) {
  return pcrsOf(files).filter(({ pcr }) => QUESTION.pcrs.includes(pcr));
}

function verifiedLog(log: ParsedEventLog, files: Files, all: Comparisons): VerifiedEventLog | undefined {
  try {
    const verified = verifyEventLog(log, quoteOf(files, QUESTION), nodeHasher);
    all.compare('PCRs that the quoted log proves', QUESTION.pcrs.join(), verified.pcrs.join());
    all.compare('faults of the firmware', '', verified.quirks.join());
    return verified;
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    all.compare('quote over the log', 'a quote', `${error.code}: ${error.message}`);
    return undefined;
  }
}

const PCR = 7;
const VARIABLES = ['SecureBoot', 'PK', 'KEK', 'db', 'dbx'];
/** EFI_VARIABLE_* before the value, in efivarfs. */
const ATTRIBUTES = 4;

/** The value of a variable that the firmware gives the system; a variable without one does not exist. */
function variableOf(files: Files, name: string): Uint8Array {
  return files.get(name)?.subarray(ATTRIBUTES) ?? new Uint8Array();
}

/** The values that the log says were measured. */
function measuredVariables(log: ParsedEventLog): Map<string, Uint8Array> {
  const events = log.events.filter(({ pcr, type }) => pcr === PCR && type === VARIABLE_DRIVER_CONFIG);
  return new Map(events.map(({ data }) => parseVariable(data)).map(({ name, data }) => [name, data]));
}

/** EV_EFI_VARIABLE_DRIVER_CONFIG and EV_EFI_VARIABLE_AUTHORITY. */
const VARIABLE_DRIVER_CONFIG = 0x80000001;
const VARIABLE_AUTHORITY = 0x800000e0;

function compareVariables(log: ParsedEventLog, files: Files, all: Comparisons): void {
  const measured = measuredVariables(log);
  const isSetup = variableOf(files, 'SetupMode')[0] === 1;
  all.compare('setup mode', String(isSetup), String(measured.get('PK')?.length === 0));
  for (const name of VARIABLES) {
    all.compare(`variable ${name}`, toHex(variableOf(files, name)), toHex(measured.get(name) ?? new Uint8Array()));
  }
}

function compareSecureBoot(verified: VerifiedEventLog, files: Files, all: Comparisons): void {
  const isOn = variableOf(files, 'SecureBoot')[0] === 1;
  const derived = verified.secureBoot();
  all.compare('state of Secure Boot', isOn ? 'on' : 'off', String(derived?.state));
  all.compare('doubts', '', derived?.reasons.join('; ') ?? 'PCR 7 is not proved');
  all.compare('who vouched for the kernel', isOn ? 'db' : '', derived?.authorities.after.join() ?? '');
}

function compareAggregate(verified: VerifiedEventLog, files: Files, all: Comparisons): void {
  const [first] = parseBinaryList(fileOf(files, 'list'), { bank: 'sha1' }).entries;
  const found = digestText(first?.fields.digest);
  const candidates = verified.bootAggregates().map(({ bank, digest }) => `${bank}:${digest}`);
  all.compare('boot_aggregate', found, candidates.includes(found) ? found : candidates.join(' or '));
}

/** The second key of db is in the place of the first, and nothing else of PCR 7 is another than before. */
function judgeExchange(before: GuestAnswer, after: GuestAnswer): Comparisons {
  const all = new Comparisons(`${before.kernel.series} from ${BOOT_NAMES[1]} to ${BOOT_NAMES[2]}`);
  const logs = [before, after].map(({ files }) => parseEventLog(fileOf(files, 'log')));
  const [old = [], now = []] = logs.map(({ events }) => events.filter(({ pcr }) => pcr === PCR));
  all.holds('PCR 7 changes', !equalBytes(pcr7(before), pcr7(after)));
  const changed = now.filter((event, index) => !sameDigest(event, old[index]));
  all.compare('records of PCR 7', String(old.length), String(now.length));
  all.compare('types of those that changed', TYPES_CHANGED, changed.map(({ type }) => type.toString(16)).join());
  const [db, authority] = changed.map(({ data }) => parseVariable(data).data);
  const certificate = toHex(fileOf(after.asked, 'db2.der'));
  const entries = parseSignatureLists(db ?? new Uint8Array()).map(({ data }) => toHex(data));
  all.compare('certificates in db', certificate, entries.join());
  all.holds('the new certificate vouched for the kernel', toHex(authority ?? new Uint8Array()).endsWith(certificate));
  return all;
}

const TYPES_CHANGED = [VARIABLE_DRIVER_CONFIG, VARIABLE_AUTHORITY].map((type) => type.toString(16)).join();

function pcr7({ files }: GuestAnswer): Uint8Array {
  const found = pcrsOf(files).find(({ bank, pcr }) => bank === 'sha256' && pcr === PCR);
  return found?.value ?? new Uint8Array();
}

function sameDigest(event: BootEvent, other: BootEvent | undefined): boolean {
  const [one, two] = [event, other].map((each) => each?.digests.get('sha256'));
  return one !== undefined && two !== undefined && equalBytes(one, two);
}
