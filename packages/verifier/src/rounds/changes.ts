import type { ServerEvent } from '@assay/wire';
import { findingOnWire } from '../hosts/findings.ts';
import { measurementOf } from '../hosts/summary.ts';
import type { Database, FindingRow, MeasurementRow } from '../store/schema.ts';

/** What changed, for the listeners. */
export interface Changes {
  readonly measurements: readonly MeasurementRow[];
  readonly findings: readonly FindingRow[];
}

/** Most measurements, and most findings, that one change sends to listeners; the newest. They read the rest. */
const EVENTS_LIMIT = 200;

export async function eventsOf(db: Database, hostId: string, changes: Changes): Promise<ServerEvent[]> {
  const measurements = changes.measurements.slice(-EVENTS_LIMIT).map(measurementOf);
  const events: ServerEvent[] = [];
  if (measurements.length > 0) events.push({ type: 'measurements', hostId, measurements });
  for (const row of changes.findings.slice(-EVENTS_LIMIT)) {
    events.push({ type: 'finding', finding: await findingOnWire(db, row) });
  }
  return events;
}
