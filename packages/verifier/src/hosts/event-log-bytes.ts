import { inflateRawSync } from 'node:zlib';
import { EVENT_LOG_LIMIT } from '@assay/wire';
import type { BootLogRow } from '../store/sent-rows.ts';

/** The boot event log as the host sent it. */
export function eventLogBytes({ log }: Pick<BootLogRow, 'log'>): Uint8Array | undefined {
  return log === null ? undefined : inflateRawSync(log, { maxOutputLength: EVENT_LOG_LIMIT });
}
