import type { FleetEvent, HostLine, Measurement } from '@assay/wire';
import type { QueryClient } from '@tanstack/react-query';
import { noteArrivals } from '../state/arrivals.ts';
import {
  hostKey,
  hostLinesQuery,
  hostQuery,
  MEASUREMENTS_KEPT,
  measurementsAfter,
  measurementsQuery,
} from './queries.ts';

/** The newest line that was heard of each host; what it differs in from the one before is what has to be read again. */
export class HeardLines {
  readonly #lines = new Map<string, HostLine>();

  /** What was heard before a gap says nothing any more. */
  forget(): void {
    this.#lines.clear();
  }

  /** @returns the line before, if there is one */
  hear(line: HostLine): HostLine | undefined {
    const before = this.#lines.get(line.id);
    this.#lines.set(line.id, line);
    return before;
  }
}

/** What of many hosts follows from their findings. */
const OF_FINDINGS = ['findings', 'alerts', 'enrolments'] as const;

/**
 * Puts what an event says into the cached answers, and has those read again that the event only hints at.
 *
 * @returns whether anything changed besides the time of evidence
 */
export function applyEvent(client: QueryClient, heard: HeardLines, event: FleetEvent): boolean {
  const known = client.getQueryData(hostLinesQuery.queryKey);
  if (known !== undefined)
    client.setQueryData(hostLinesQuery.queryKey, { ...known, hosts: merged(known.hosts, event) });
  const knownById = new Map(event.hosts.length === 0 ? [] : known?.hosts.map((host) => [host.id, host]));
  const findingsOf = new Set(event.findingsOf);
  if (findingsOf.size > 0) for (const key of OF_FINDINGS) void client.invalidateQueries({ queryKey: [key] });
  if (event.enrolments.length > 0) void client.invalidateQueries({ queryKey: ['enrolments'] });
  let changed = event.gone.length > 0 || event.findingsOf.length > 0;
  for (const line of event.hosts) {
    const before = heard.hear(line) ?? knownById.get(line.id);
    changed ||= before === undefined || !sameBesidesTime(before, line);
    applyLine(client, line, before, findingsOf.has(line.id));
  }
  return changed;
}

/** Both are few or sorted: one walk through them, and no sorting of thousands. */
function merged(hosts: readonly HostLine[], { hosts: changed, gone }: FleetEvent): readonly HostLine[] {
  const byId = new Map(changed.map((line) => [line.id, line]));
  const there = gone.length === 0 ? hosts : hosts.filter(({ id }) => !gone.includes(id));
  const kept = there.map((host) => {
    const line = byId.get(host.id);
    byId.delete(host.id);
    return line ?? host;
  });
  if (byId.size === 0) return kept;
  return [...kept, ...byId.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const sameBesidesTime = (a: HostLine, b: HostLine): boolean =>
  JSON.stringify({ ...a, evidenceAt: null }) === JSON.stringify({ ...b, evidenceAt: null });

/** What is open on the page about this host is brought up to date; of a host that nobody looks at nothing is asked. */
function applyLine(client: QueryClient, line: HostLine, before: HostLine | undefined, findings: boolean): void {
  if (client.getQueryState(hostQuery(line.name).queryKey) === undefined) return;
  if (before !== undefined && !findings && sameBesidesTime(before, line)) {
    client.setQueryData(hostQuery(line.name).queryKey, (host) => host && { ...host, evidenceAt: line.evidenceAt });
    return;
  }
  const listKey = measurementsQuery(line.name).queryKey;
  void client.invalidateQueries({
    queryKey: hostKey(line.name),
    predicate: ({ queryKey }) =>
      queryKey[2] !== listKey[2] && (findings || queryKey[2] !== 'findings' || !sameFindings(before, line)),
  });
  applyToList(client, line, before);
}

const sameFindings = (before: HostLine | undefined, line: HostLine): boolean =>
  before !== undefined && JSON.stringify(before.findings) === JSON.stringify(line.findings);

/** Other reference values judge every entry anew, and a reboot starts the list again; else only its end is new. */
function applyToList(client: QueryClient, line: HostLine, before: HostLine | undefined): void {
  const { queryKey } = measurementsQuery(line.name);
  const rows = client.getQueryData(queryKey);
  const goesOn =
    before !== undefined &&
    before.boot === line.boot &&
    JSON.stringify(before.reference) === JSON.stringify(line.reference) &&
    line.entries >= newestEntry(rows);
  if (!goesOn || rows === undefined) void client.invalidateQueries({ queryKey });
  else if (line.entries > newestEntry(rows)) void readNewer(client, line.name, rows);
}

async function readNewer(client: QueryClient, name: string, rows: readonly Measurement[]): Promise<void> {
  const { queryKey } = measurementsQuery(name);
  try {
    const added = await measurementsAfter(name, newestEntry(rows));
    noteArrivals(name, added);
    client.setQueryData(queryKey, (now) => (now === undefined ? now : withNewer(now, added)));
  } catch {
    // The whole list shows what is the matter, or that nothing is any more.
    await client.invalidateQueries({ queryKey });
  }
}

/** Newest first; entries that came twice stand once. */
export function withNewer(rows: readonly Measurement[], added: readonly Measurement[]): Measurement[] {
  const newest = newestEntry(rows);
  const fresh = added.filter((row) => row.entry > newest).toSorted((a, b) => b.entry - a.entry);
  return [...fresh, ...rows].slice(0, MEASUREMENTS_KEPT);
}

const newestEntry = (rows: readonly Measurement[] | undefined): number => rows?.[0]?.entry ?? 0;
