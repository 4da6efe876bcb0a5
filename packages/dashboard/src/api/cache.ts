import type { Finding, HostSummary, Measurement, ServerEvent } from '@assay/wire';
import type { QueryClient } from '@tanstack/react-query';
import { byLastSeen, findingsQuery, hostQuery, hostsQuery, MEASUREMENTS_KEPT, measurementsQuery } from './queries.ts';

/** Puts what an event says into the cached answers, and has those read again that the event only hints at. */
export function applyEvent(client: QueryClient, event: ServerEvent): void {
  if (event.type === 'host') applyHost(client, event.host);
  else if (event.type === 'finding') applyFinding(client, event.finding);
  else applyMeasurements(client, event.hostId, event.measurements);
}

function applyHost(client: QueryClient, host: HostSummary): void {
  const before = client.getQueryData(hostsQuery.queryKey)?.find((known) => known.id === host.id);
  client.setQueryData(hostsQuery.queryKey, (hosts) => (hosts === undefined ? hosts : withHost(hosts, host)));
  void client.invalidateQueries({ queryKey: hostQuery(host.id).queryKey });
  // Other reference values judge every entry anew, and close findings.
  if (before !== undefined && before.reference?.version !== host.reference?.version) {
    void client.invalidateQueries({ queryKey: measurementsQuery(host.id).queryKey });
    void client.invalidateQueries({ queryKey: findingsQuery(host.id).queryKey });
  }
}

function withHost(hosts: readonly HostSummary[], host: HostSummary): HostSummary[] {
  const others = hosts.filter((known) => known.id !== host.id);
  return [...others, host].toSorted((a, b) => a.name.localeCompare(b.name));
}

function applyFinding(client: QueryClient, finding: Finding): void {
  client.setQueryData(findingsQuery(finding.host.id).queryKey, (findings) => {
    if (findings === undefined) return findings;
    const others = findings.filter((known) => known.id !== finding.id);
    return [finding, ...others].toSorted(byLastSeen);
  });
}

function applyMeasurements(client: QueryClient, hostId: string, added: readonly Measurement[]): void {
  const { queryKey } = measurementsQuery(hostId);
  const rows = client.getQueryData(queryKey);
  if (rows === undefined) return;
  if (!continues(rows, added)) void client.invalidateQueries({ queryKey });
  else client.setQueryData(queryKey, merged(rows, added));
}

/** False after a reboot, when the numbers start again, and when the event left entries out because they were many. */
function continues(rows: readonly Measurement[], added: readonly Measurement[]): boolean {
  const known = new Map(rows.map((row) => [row.entry, row.templateDigest]));
  const sameBoot = added.every((row) => (known.get(row.entry) ?? row.templateDigest) === row.templateDigest);
  const first = Math.min(...added.map((row) => row.entry));
  return sameBoot && first <= newestEntry(rows) + 1;
}

function merged(rows: readonly Measurement[], added: readonly Measurement[]): Measurement[] {
  const numbers = new Set(added.map((row) => row.entry));
  const kept = rows.filter((row) => !numbers.has(row.entry));
  return [...added, ...kept].toSorted((a, b) => b.entry - a.entry).slice(0, MEASUREMENTS_KEPT);
}

const newestEntry = (rows: readonly Measurement[]): number => rows[0]?.entry ?? 0;

/** The entries of an event that the page does not show yet; others come again because they were judged anew. */
export function arrivalsOf(client: QueryClient, hostId: string, added: readonly Measurement[]): Measurement[] {
  const newest = newestEntry(client.getQueryData(measurementsQuery(hostId).queryKey) ?? []);
  return added.filter((row) => row.entry > newest);
}
