import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { EVENT_LOG_LIMIT } from '@assay/wire';
import type { BootLogRow } from '../store/sent-rows.ts';

/** A boot event log as it is kept; `eventLogBytes` reads it. */
export function keptEventLog(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes);
}

/** The boot event log as the host sent it. */
export function eventLogBytes({ log }: Pick<BootLogRow, 'log'>): Uint8Array | undefined {
  return log === null ? undefined : inflateRawSync(log, { maxOutputLength: EVENT_LOG_LIMIT });
}
