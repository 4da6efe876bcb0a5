import { equalBytes, toHex } from '@assay/core/bytes';
import {
  bootAggregateCandidates,
  comparePcrs,
  coverageOf,
  decodeEvent,
  eventText,
  eventTypeName,
  isExtended,
  kernelCommandLineOf,
  parseEventLog,
  secureBootOf,
  type BootEvent as LogEvent,
  type ParsedEventLog,
  type PcrComparison,
} from '@assay/core/eventlog';
import { FormatError } from '@assay/core/errors';
import { digestText } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { BOOT_EVENTS_MOST, MissingLog, type BootEvent, type BootPcr, type HostBoot } from '@assay/wire';
import { bootLogOf } from '../store/boot-logs.ts';
import { bootById } from '../store/boots.ts';
import { listOf } from '../store/lists.ts';
import { roundsOf } from '../store/rounds.ts';
import type { BootRow, Database, HostRow } from '../store/schema.ts';
import type { BootLogRow } from '../store/sent-rows.ts';
import { entriesOf } from '../rounds/measurements.ts';
import { eventLogBytes } from './event-log-bytes.ts';
import { keptOf, pcrsIn } from './kept.ts';

const BANK = 'sha256';
/** The list and what the system measures go on to grow after the boot. */
const FIRST_LATER_PCR = 10;

/** What the boot event log of a boot says, and what of it the quote proves. @param bootId default the present one */
export async function bootOf(db: Database, host: HostRow, bootId?: number): Promise<HostBoot | undefined> {
  const id = bootId ?? host.boot;
  const boot = id === null ? null : ((await bootById(db, id)) ?? null);
  if (bootId !== undefined && boot?.host !== host.id) return undefined;
  const row = boot === null ? undefined : await bootLogOf(db, boot.id);
  const head = { schema: 'assay.host-boot.v1', host: { id: host.id, name: host.name }, boot: bootText(boot) } as const;
  const log = row === undefined ? undefined : readable(row);
  if (row === undefined || log === undefined) {
    const pcrs = row === undefined ? await quotedNow(db, host, boot) : pcrsIn(row.pcrs);
    return { ...head, log: logText(row), ...NOTHING, pcrs: [...pcrs].map(([pcr, value]) => unexplained(pcr, value)) };
  }
  const events = log.events.slice(0, BOOT_EVENTS_MOST);
  const compared = comparisons(log, row);
  const proves = provedPcrs(row, compared);
  return {
    ...head,
    log: { ...logText(row), bank: BANK },
    ...(row.state === 'proved' ? meaningOf(log, proves) : { secureBoot: null, commandLine: null }),
    bootAggregate: boot === null ? null : await aggregateOf(db, boot, log),
    pcrs: compared.map((one) => pcrText(one, log)),
    events: events.map((event) => eventOnWire(event, proves)),
    eventsTotal: log.events.length,
  };
}

const NOTHING = { secureBoot: null, commandLine: null, bootAggregate: null, events: [], eventsTotal: 0 };

function bootText(boot: BootRow | null): HostBoot['boot'] {
  if (boot === null) return null;
  const { id, reset_count: resetCount, restart_count: restartCount, since } = boot;
  return { id, resetCount, restartCount, since };
}

/** Of a boot that is over, nothing but its log would say them. */
async function quotedNow(db: Database, host: HostRow, boot: BootRow | null): Promise<ReadonlyMap<number, Uint8Array>> {
  const [round] = await roundsOf(db, [host.id]);
  const isPresent = boot !== null && boot.id === host.boot;
  return (isPresent && round !== undefined ? keptOf(round)?.pcrs : undefined) ?? new Map();
}

/** Undefined where there is none, or none that can be read. */
function readable(row: BootLogRow): ParsedEventLog | undefined {
  const bytes = eventLogBytes(row);
  try {
    return bytes === undefined ? undefined : parseEventLog(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

const MISSING: Readonly<Record<MissingLog, string>> = {
  none: 'The host has no boot event log: its firmware or kernel keeps none, or its TPM is not the one of the machine.',
  unreadable: 'The agent may not read the boot event log: it needs the capability dac_read_search, or root.',
  'too-long': 'The boot event log is longer than an agent sends.',
};

function logText(row: BootLogRow | undefined): HostBoot['log'] {
  if (row === undefined) {
    const sentence =
      'No boot event log was sent: the agent is of an older version, or has not answered since it was asked.';
    return { state: 'not-sent', sentence, missing: null, receivedAt: null, bytes: null, bank: null };
  }
  const { state, reason, received_at: receivedAt, size: bytes } = row;
  const missing = state === 'missing' ? MissingLog.parse(reason) : null;
  return { state, sentence: sentenceOf(row, missing), missing, receivedAt, bytes, bank: null };
}

function sentenceOf({ state, reason, log }: BootLogRow, missing: MissingLog | null): string {
  if (missing !== null) return MISSING[missing];
  if (state === 'refused') return `Nothing of this boot is proved by its log: ${reason ?? ''}.`;
  if (log === null) return 'The log led to the quoted PCRs; it is kept no longer.';
  return 'The log leads to the quoted PCRs: its records are those of this boot.';
}

function comparisons(log: ParsedEventLog, row: BootLogRow): readonly PcrComparison[] {
  return comparePcrs(
    nodeHasher,
    log,
    [...pcrsIn(row.pcrs)].map(([pcr, value]) => ({ bank: BANK, pcr, value })),
  );
}

/** Nothing is proved by a log that does not lead to all PCRs of the boot. */
function provedPcrs({ state }: BootLogRow, compared: readonly PcrComparison[]): ReadonlySet<number> {
  if (state !== 'proved') return new Set();
  return new Set(compared.filter((one) => one.state === 'matches' && one.replayed !== undefined).map(({ pcr }) => pcr));
}

function meaningOf(log: ParsedEventLog, proves: ReadonlySet<number>): Pick<HostBoot, 'secureBoot' | 'commandLine'> {
  const { state, reasons, notes, authorities, revoked } = secureBootOf(nodeHasher, log, BANK);
  const vouched = [...authorities.before, ...authorities.after];
  const events = log.events.filter(({ pcr }) => proves.has(pcr));
  return {
    secureBoot: { state, reasons: [...reasons], notes: [...notes], authorities: vouched, revoked },
    commandLine: kernelCommandLineOf(nodeHasher, { events }, BANK),
  };
}

/** The kernel wrote boot_aggregate when it started; PCRs that are quoted later may be others. */
async function aggregateOf(db: Database, boot: BootRow, log: ParsedEventLog): Promise<HostBoot['bootAggregate']> {
  const [entry] = entriesOf(await listOf(db, boot.id, 1, 1));
  const digest = digestText(entry?.fields.digest);
  if (digest === '') return null;
  const found = bootAggregateCandidates(nodeHasher, log).find((one) => `${one.bank}:${one.digest}` === digest);
  return { digest, agrees: found !== undefined, lastPcr: found?.lastPcr ?? null };
}

function unexplained(pcr: number, value: Uint8Array): BootPcr {
  return { pcr, value: toHex(value), events: 0, state: 'no-log', quirk: null };
}

function pcrText({ pcr, value, state, replayed, quirk }: PcrComparison, { events }: ParsedEventLog): BootPcr {
  const count = events.filter((event) => event.pcr === pcr && isExtended(event)).length;
  return {
    pcr,
    value: toHex(value),
    events: count,
    state: stateText({ pcr, value, state, replayed }),
    quirk: quirk ?? null,
  };
}

function stateText({
  pcr,
  value,
  state,
  replayed,
}: Pick<PcrComparison, 'pcr' | 'value' | 'state'> & {
  replayed: PcrComparison['replayed'] | undefined;
}): BootPcr['state'] {
  if (state === 'matches') return replayed === undefined ? 'not-logged' : 'agrees';
  if (state === 'not-in-log') return 'not-logged';
  const later = pcr >= FIRST_LATER_PCR && replayed !== undefined && !equalBytes(replayed, value);
  return later ? 'extended-later' : 'differs';
}

function eventOnWire(event: LogEvent, proves: ReadonlySet<number>): BootEvent {
  const { number, pcr, type, digests } = event;
  const digest = digests.get(BANK);
  const { covers } = coverageOf(nodeHasher, event, BANK);
  return {
    event: number,
    pcr,
    type: eventTypeName(type),
    digest: digest === undefined ? null : `${BANK}:${toHex(digest)}`,
    proved: covers !== 'unmeasured' && proves.has(pcr),
    covers,
    text: eventText(decodeEvent(event)),
  };
}
