import { ByteReader } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { FAN_NOFD, FAN_Q_OVERFLOW, FANOTIFY_METADATA_VERSION, METADATA_LENGTH } from './constants.ts';

/** One event of a fanotify group. Its descriptor stays open until `FanotifyGroup.release`. */
export interface FanotifyEvent {
  readonly mask: bigint;
  /** The file, opened for reading; undefined where the event has none. */
  readonly fd: number | undefined;
  /** The process (thread group) that caused it, in this process's pid namespace; 0 for one outside of it. */
  readonly pid: number;
  /** The kernel's queue was full: an unknown number of events before this one is lost. */
  readonly overflow: boolean;
}

/**
 * The events of one read(), as fanotify(7) lays them out: struct fanotify_event_metadata of 24 bytes, then information
 * records up to event_len, which are passed over.
 * @throws FormatError FANOTIFY-EVENT, BYTES-TRUNCATED
 */
export function parseFanotifyEvents(bytes: Uint8Array): FanotifyEvent[] {
  const events: FanotifyEvent[] = [];
  const reader = new ByteReader(bytes, 'fanotify event', { littleEndian: true });
  while (reader.remaining > 0) {
    const start = reader.offset;
    const length = reader.u32('event_len');
    if (length < METADATA_LENGTH) throw badEvent(start, `event_len is ${length}`);
    events.push(readEvent(new ByteReader(reader.take(length - 4, 'event'), 'fanotify event', { littleEndian: true })));
  }
  return events;
}

function readEvent(reader: ByteReader): FanotifyEvent {
  const version = reader.u8('vers');
  if (version !== FANOTIFY_METADATA_VERSION) throw badEvent(reader.offset, `version is ${version}, not 3`);
  reader.u8('reserved');
  const metadataLength = reader.u16('metadata_len');
  if (metadataLength !== METADATA_LENGTH) throw badEvent(reader.offset, `metadata_len is ${metadataLength}, not 24`);
  const mask = reader.u64('mask');
  const fd = reader.u32('fd') | 0;
  const pid = reader.u32('pid') | 0;
  if (fd < FAN_NOFD) throw badEvent(reader.offset, `fd is ${fd}`);
  return { mask, fd: fd === FAN_NOFD ? undefined : fd, pid, overflow: (mask & FAN_Q_OVERFLOW) !== 0n };
}

function badEvent(offset: number, what: string): FormatError {
  return new FormatError('FANOTIFY-EVENT', `fanotify event at byte ${offset}: ${what}`, { offset });
}
