import { toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { parsePublic, publicName } from '@assay/core/tpm';
import { isStale, ladderOf, type LadderFacts } from '@assay/core/verdict';
import type { HostDetail, HostLabels } from '@assay/wire';
import type { HostRow } from '../store/schema.ts';
import { admissionIn } from './admission.ts';
import { akCertificateIn } from './ak-certificate.ts';
import { endorsementIn } from './ek-certificate.ts';
import { openFindings, type HostState } from './facts.ts';
import { keptOf } from './kept.ts';
import { renewalIn } from './key-renewal.ts';
import { summaryOf } from './summary.ts';

/** What a host is seen with. */
interface Moment {
  readonly authority: LadderFacts['authority'];
  readonly now: Date;
  readonly staleAfterSeconds: number;
}

export function detailOf(state: HostState, labels: HostLabels, more: Moment): HostDetail {
  const { staleAfterSeconds } = more;
  const { host, boot } = state;
  return {
    ...summaryOf(state, staleAfterSeconds),
    kernel: host.kernel,
    attestationKey: { name: akNameOf(host), since: host.ak_since, renewal: renewalIn(host) },
    labels,
    pcrs: pcrsOf(state),
    boot:
      boot === null
        ? null
        : { id: boot.id, resetCount: boot.reset_count, restartCount: boot.restart_count, since: boot.since },
    ladder: ladderOf(ladderFacts(state, more)).map((rung) => ({ ...rung, facts: [...rung.facts] })),
  };
}

function akNameOf({ ak_public }: Pick<HostRow, 'ak_public'>): string {
  return toHex(publicName(nodeHasher, parsePublic(ak_public)));
}

function pcrsOf({ round }: HostState): HostDetail['pcrs'] {
  return Object.fromEntries([...(keptOf(round)?.pcrs ?? [])].map(([index, value]) => [String(index), toHex(value)]));
}

function ladderFacts(state: HostState, { authority, now, staleAfterSeconds }: Moment): LadderFacts {
  const { host, round, boot, reference } = state;
  const kept = keptOf(round);
  const admission = admissionIn(host);
  const renewal = renewalIn(host);
  const evidenceAt = round.evidence_at === null ? null : new Date(round.evidence_at);
  return {
    tpmKind: host.tpm_kind,
    ekDigest: toHex(nodeHasher.digest('sha256', parsePublic(host.ek_public).raw)),
    akName: akNameOf(host),
    akSince: new Date(host.ak_since),
    akRenewal: renewal === null ? null : { by: renewal.by, at: new Date(renewal.at) },
    akCertificate: akCertificateIn(host),
    enrolledAt: new Date(host.enrolled_at),
    endorsement: endorsementIn(host),
    admission: admission === null ? null : { ...admission, at: new Date(admission.at) },
    quote: kept === null ? null : { ...kept.state, at: kept.at, pcr: toHex(kept.state.pcr) },
    stale: isStale({ now, evidenceAt, staleAfterSeconds }),
    entries: boot?.entries ?? 0,
    violations: boot?.violations ?? 0,
    reference:
      reference === null
        ? null
        : { version: reference.version, digests: reference.digests, capturedAt: new Date(reference.captured_at) },
    authority,
    openFindings: openFindings(state.findings),
  };
}
