import type { HostSummary } from '@assay/wire';
import { trustOf } from './admission.ts';
import type { HostState } from './facts.ts';

export function summaryOf(state: HostState, staleAfterSeconds: number): HostSummary {
  const { host, round, boot, reference } = state;
  return {
    id: host.id,
    name: host.name,
    verdict: host.verdict,
    sentence: host.sentence,
    verdictSince: host.verdict_since,
    evidenceAt: round.evidence_at,
    staleAfterSeconds,
    enrolledAt: host.enrolled_at,
    tpm: { kind: host.tpm_kind, trust: trustOf(host) },
    list: { source: host.list_source, entries: boot?.entries ?? 0, violations: boot?.violations ?? 0 },
    reference:
      reference === null
        ? null
        : { version: reference.version, digests: reference.digests, capturedAt: reference.captured_at },
    openFindings: state.findings.length,
  };
}
