import { utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { EVENT } from './event-types.ts';
import type { BootEvent, StartupLocality } from './types.ts';

const SIGNATURE = utf8('StartupLocality\0');
const LOCALITIES: readonly StartupLocality[] = [0, 3, 4];

/** TCG_EfiStartupLocalityEvent (PC Client Platform Firmware Profile, section 10.4.5.3). */
export function isStartupLocality({ type, data }: Pick<BootEvent, 'type' | 'data'>): boolean {
  return type === EVENT.noAction && SIGNATURE.every((byte, index) => data[index] === byte);
}

/**
 * The record is not measured, so it only selects what PCR 0 starts at; one at another place or a second one could
 * select again.
 * @throws FormatError EVENTLOG-EVENT
 */
export function readStartupLocality(events: readonly BootEvent[]): StartupLocality {
  const records = events.filter(isStartupLocality);
  const [record] = records;
  if (record === undefined) return 0;
  if (records.length > 1) throw refused(records[1] ?? record, 'is a second StartupLocality');
  const firstExtend = events.find(({ pcr, type }) => pcr === 0 && type !== EVENT.noAction);
  if (record.pcr !== 0) throw refused(record, 'is a StartupLocality outside PCR 0');
  if (firstExtend !== undefined && firstExtend.number < record.number) {
    throw refused(record, 'is a StartupLocality after PCR 0 was extended');
  }
  return localityOf(record);
}

function localityOf(record: BootEvent): StartupLocality {
  const value = record.data[SIGNATURE.length];
  const locality = LOCALITIES.find((one) => one === value);
  if (locality === undefined || record.data.length !== SIGNATURE.length + 1) {
    throw refused(record, 'is a StartupLocality that is none of 0, 3 and 4');
  }
  return locality;
}

function refused({ number, offset }: BootEvent, why: string): FormatError {
  return new FormatError('EVENTLOG-EVENT', `event ${number} at offset ${offset}: the record ${why}`, {
    entry: number,
    offset,
  });
}
