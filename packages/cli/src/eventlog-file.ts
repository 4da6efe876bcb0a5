import {
  parseEventLog,
  replayableBanks,
  type DecodedEvent,
  type KernelCommandLine,
  type ParsedEventLog,
  type SecureBoot,
} from '@assay/core/eventlog';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { z } from 'zod';
import { boundedContent } from './bounded-file.ts';
import { UsageError } from './exit.ts';
import { OutputOptions } from './options.ts';
import { shown } from './output/terminal.ts';

/** Options of both commands. */
export const EventLogOptions = OutputOptions.extend({
  bank: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).optional(),
});

const SIZE_LIMIT = 16 * 1024 * 1024;

export interface EventLogFile {
  readonly log: ParsedEventLog;
  /** The bank in which digests are recomputed and Secure Boot is judged. */
  readonly bank: HashName;
}

/**
 * Reads a boot event log. Its bank is the one given, else the strongest of those that every record has a digest of.
 * @throws FormatError, UsageError for a bank that the log does not have
 */
export async function readEventLogFile(path: string, bank: HashName | undefined): Promise<EventLogFile> {
  const log = parseEventLog(await boundedContent(path, SIZE_LIMIT));
  if (bank !== undefined && !log.banks.includes(bank)) {
    throw new UsageError(`--bank ${bank}: the log has digests of ${log.banks.join(', ') || 'no known bank'}`);
  }
  return { log, bank: bank ?? strongest(replayableBanks(log)) ?? log.banks[0] ?? 'sha1' };
}

function strongest(banks: readonly HashName[]): HashName | undefined {
  return banks.toSorted((a, b) => hashAlgorithm(b).size - hashAlgorithm(a).size)[0];
}

/** What an event says, for JSON: numbers that JSON cannot hold are hexadecimal text. */
export function eventDocument(event: DecodedEvent): object {
  if (event.kind === 'malformed') {
    const { code, message } = event.problem;
    return { kind: event.kind, code, message };
  }
  if (event.kind === 'gpt') {
    const partitions = event.partitions.map((one) => ({ ...one, first: String(one.first), last: String(one.last) }));
    return { ...event, partitions };
  }
  if (event.kind === 'image' || event.kind === 'blob') {
    return { ...event, address: `0x${event.address.toString(16)}`, length: String(event.length) };
  }
  return event;
}

/** One line. */
export function commandLineText(found: KernelCommandLine): string {
  if (found.state === 'unknown') return `Kernel command line: unknown, since ${found.reason}\n`;
  return `Kernel command line by PCR ${found.pcr}: ${shown(found.text)}\n`;
}

export function secureBootText({ state, reasons, notes }: SecureBoot): string {
  const more = [...reasons, ...notes].map((line) => `  ${line}\n`).join('');
  return `Secure Boot by PCR 7: ${state}\n${more}`;
}
