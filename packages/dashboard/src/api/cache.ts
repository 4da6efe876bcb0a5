import type { Finding, HostSummary, Measurement, ServerEvent } from '@assay/wire';
import type { QueryClient } from '@tanstack/react-query';
import { findingsQuery, hostQuery, hostsQuery, MEASUREMENTS_KEPT, measurementsQuery } from './queries.ts';

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
    void client.invalidateQueries({ queryKey: findingsQuery.queryKey });
  }
  // A list that became shorter is that of another boot.
  if (before !== undefined && host.list.entries < before.list.entries) {
    void client.invalidateQueries({ queryKey: measurementsQuery(host.id).queryKey });
  }
}

function withHost(hosts: readonly HostSummary[], host: HostSummary): HostSummary[] {
  const others = hosts.filter((known) => known.id !== host.id);
  return [...others, host].sort((a, b) => a.name.localeCompare(b.name));
}

function applyFinding(client: QueryClient, finding: Finding): void {
  client.setQueryData(findingsQuery.queryKey, (findings) => {
    if (findings === undefined) return findings;
    const others = findings.filter((known) => known.id !== finding.id);
    return [finding, ...others].sort((a, b) => b.lastSeen.localeCompare(a.lastSeen));
  });
}

function applyMeasurements(client: QueryClient, hostId: string, added: readonly Measurement[]): void {
  client.setQueryData(measurementsQuery(hostId).queryKey, (rows) => {
    if (rows === undefined) return rows;
    const numbers = new Set(added.map((row) => row.entry));
    const kept = rows.filter((row) => !numbers.has(row.entry));
    return [...added, ...kept].sort((a, b) => b.entry - a.entry).slice(0, MEASUREMENTS_KEPT);
  });
}
