import { isAllZero } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import { hashAlgorithm, type HashName, type Hasher } from '../hash/index.ts';
import type { VerifiedQuote } from '../tpm/index.ts';
import { bootAggregateCandidates, type BootAggregateCandidate } from './boot-aggregate.ts';
import { kernelCommandLineOf, type KernelCommandLine } from './command-line.ts';
import { comparePcrs, type PcrComparison } from './compare.ts';
import { coverageOf, type Coverage } from './coverage.ts';
import type { Quirk } from './quirks.ts';
import { isExtended, replayableBanks } from './replay.ts';
import { secureBootOf, type SecureBoot } from './secure-boot.ts';
import type { BootEvent, ParsedEventLog } from './types.ts';

/** Firmware and boot loaders measure into PCR 0 to 9 (PC Client Platform Firmware Profile, section 3.3.4). */
const LAST_BOOT_PCR = 9;
/** Loaders log into these too, and the running system goes on to extend them: PCR 10 has a list of its own. */
const LATER_PCRS: ReadonlySet<number> = new Set([11, 12, 13, 14, 15]);
/** Firmware leaves a separator in each of these at least, so that none stays at its reset value. */
const LAST_FIRMWARE_PCR = 7;

/** A record whose digest the quoted PCR proves; how much of its data that proves, `coverage` says. */
export interface ProvedEvent {
  readonly event: BootEvent;
  readonly coverage: Coverage;
}

/** A log that leads to quoted PCR values. Only `verifyEventLog` makes one. */
class EventLog {
  readonly #log: ParsedEventLog;
  readonly #hasher: Hasher;
  /** Of what is said here: the strongest bank that log and quote share. */
  readonly bank: HashName;
  /** PCRs whose records are proved, ascending: boot PCRs, and those of 11 to 15 that nobody extended since. Order between PCRs is not. */
  readonly pcrs: readonly number[];
  /** Known faults of firmware that the match rests on. */
  readonly quirks: readonly Quirk[];

  constructor(log: ParsedEventLog, hasher: Hasher, bank: HashName, matches: readonly PcrComparison[]) {
    this.#log = log;
    this.#hasher = hasher;
    this.bank = bank;
    this.pcrs = matches.map(({ pcr }) => pcr);
    this.quirks = [...new Set(matches.flatMap(({ quirk }) => quirk ?? []))];
  }

  /** Records of the proved PCRs, in the order of the log. */
  events(): ProvedEvent[] {
    const proved = this.#log.events.filter((event) => isExtended(event) && this.pcrs.includes(event.pcr));
    return proved.map((event) => ({ event, coverage: coverageOf(this.#hasher, event, this.bank) }));
  }

  /** Undefined where PCR 7 was not quoted. */
  secureBoot(): SecureBoot | undefined {
    return this.pcrs.includes(7) ? secureBootOf(this.#hasher, this.#log, this.bank) : undefined;
  }

  /** Of the proved PCRs. */
  commandLine(): KernelCommandLine {
    const events = this.#log.events.filter(({ pcr }) => this.pcrs.includes(pcr));
    return kernelCommandLineOf(this.#hasher, { events }, this.bank);
  }

  /** What boot_aggregate of a kernel on this boot can be. Empty unless PCR 0 to 9 were quoted. */
  bootAggregates(): readonly BootAggregateCandidate[] {
    const ofBoot = this.pcrs.filter((pcr) => pcr <= LAST_BOOT_PCR);
    return ofBoot.length === LAST_BOOT_PCR + 1 ? bootAggregateCandidates(this.#hasher, this.#log) : [];
  }
}

export type VerifiedEventLog = EventLog;

/**
 * That a boot event log is the one of the boot in which a quote was made: in each quoted bank, it leads to every boot PCR
 * that was quoted. A bank into which the firmware measured nothing is refused, since whoever runs later can extend it as
 * he likes (CVE-2021-42299); so is a bank that the log does not tell of.
 * @throws VerificationError BOOT-EVENTLOG
 */
export function verifyEventLog(log: ParsedEventLog, quote: VerifiedQuote, hasher: Hasher): VerifiedEventLog {
  const quoted = bootPcrsOf(quote);
  const told = replayableBanks(log);
  const untold = [...quoted.keys()].find((bank) => !told.includes(bank));
  if (untold !== undefined) throw refused(`it has no digests of the quoted bank ${untold}`);
  const matches = new Map([...quoted].map(([bank, values]) => [bank, matchesIn(log, bank, values, hasher)]));
  const bank = told
    .toSorted((a, b) => hashAlgorithm(a).size - hashAlgorithm(b).size)
    .findLast((one) => matches.has(one));
  const ofBank = bank === undefined ? undefined : matches.get(bank);
  if (bank === undefined || ofBank === undefined) throw refused('the quote covers no PCR that a boot extends');
  return new EventLog(log, hasher, bank, ofBank);
}

function bootPcrsOf({ pcrValues }: VerifiedQuote): ReadonlyMap<HashName, readonly (readonly [number, Uint8Array])[]> {
  const ofBoot = [...pcrValues].map(([bank, values]) => {
    const ascending = [...values].filter(([pcr]) => isOfBoot(pcr) || LATER_PCRS.has(pcr)).toSorted(([a], [b]) => a - b);
    return [bank, ascending] as const;
  });
  return new Map(ofBoot.filter(([, values]) => values.some(([pcr]) => isOfBoot(pcr))));
}

function isOfBoot(pcr: number): boolean {
  return pcr <= LAST_BOOT_PCR;
}

function matchesIn(
  log: ParsedEventLog,
  bank: HashName,
  values: readonly (readonly [number, Uint8Array])[],
  hasher: Hasher,
): readonly PcrComparison[] {
  const unextended = values.find(([pcr, value]) => pcr <= LAST_FIRMWARE_PCR && isAllZero(value));
  if (unextended !== undefined) {
    throw refused(`PCR ${unextended[0]} of ${bank} was never extended: the firmware does not measure into this bank`);
  }
  const compared = comparePcrs(
    hasher,
    log,
    values.map(([pcr, value]) => ({ bank, pcr, value })),
  );
  const wrong = compared.find(({ pcr, state }) => state === 'differs' && isOfBoot(pcr));
  // Boot loaders that keep no log extend PCR 8 and 9: those stay unproved.
  if (wrong === undefined) return compared.filter(provesRecords);
  throw refused(`it does not lead to the quoted value of PCR ${wrong.pcr} of ${bank}`);
}

/** A later PCR that the log does not extend says nothing of the log. */
function provesRecords({ pcr, state, replayed }: PcrComparison): boolean {
  return state === 'matches' && (isOfBoot(pcr) || replayed !== undefined);
}

function refused(reason: string): VerificationError {
  return new VerificationError('BOOT-EVENTLOG', `boot event log refused: ${reason}`);
}
