import type { HostSummary, Measurement } from '@assay/wire';
import type { MeasurementRow } from '../store/schema.ts';
import type { HostState } from './facts.ts';

export function summaryOf(state: HostState, staleAfterSeconds: number): HostSummary {
  const { host, boot, reference } = state;
  return {
    id: host.id,
    name: host.name,
    verdict: host.verdict,
    sentence: host.sentence,
    verdictSince: host.verdict_since,
    evidenceAt: host.evidence_at,
    staleAfterSeconds,
    enrolledAt: host.enrolled_at,
    tpm: { kind: host.tpm_kind, trust: 'first-use' },
    list: { source: host.list_source, entries: boot?.entries ?? 0, violations: boot?.violations ?? 0 },
    reference:
      reference === null
        ? null
        : { version: reference.version, digests: reference.digests, capturedAt: reference.captured_at },
    openFindings: state.findings.length,
  };
}

export function measurementOf(row: MeasurementRow): Measurement {
  return {
    entry: row.entry,
    pcr: row.pcr,
    template: row.template,
    templateDigest: row.template_digest,
    digest: row.digest,
    filenameHint: row.filename_hint,
    status: row.status,
    receivedAt: row.received_at,
  };
}
