import { appraise, type AttestationResult } from '@assay/core/ear';
import type { HostSummary, ResultQuery, TrustTier } from '@assay/wire';
import type { OpenFinding } from '@assay/core/verdict';
import packageJson from '../../package.json' with { type: 'json' };

const VERIFIER = { developer: 'tag:assay,2026', build: `assay ${packageJson.version}` };

/** Tiers in which somebody vouches for the TPM who knew it before it came. */
const ENDORSED: ReadonlySet<TrustTier> = new Set(['ak-certificate', 'ek-certificate', 'registered']);

/**
 * What is said of a host now. It ends when the evidence that it rests on grows old, so that nobody can show a verdict
 * longer than the verifier itself would stand by it.
 */
export function resultOf(
  host: HostSummary,
  openFindings: readonly OpenFinding[],
  { nonce }: Pick<ResultQuery, 'nonce'>,
  now: Date,
): AttestationResult {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return {
    issuedAt,
    expiresAt: endOf(host, issuedAt),
    verifier: VERIFIER,
    ...(nonce === undefined ? {} : { nonce }),
    appraisals: appraise({
      verdict: host.verdict,
      endorsed: ENDORSED.has(host.tpm.trust),
      openFindings,
      reference: host.reference === null ? null : `reference:${host.name}/v${host.reference.version}`,
    }),
    host: {
      id: host.id,
      name: host.name,
      verdict: host.verdict,
      evidenceAt: host.evidenceAt,
      entries: host.list.entries,
      violations: host.list.violations,
    },
  };
}

function endOf({ evidenceAt, staleAfterSeconds }: HostSummary, issuedAt: number): number {
  const evidence = evidenceAt === null ? 0 : Math.floor(Date.parse(evidenceAt) / 1000);
  const end = evidence + staleAfterSeconds;
  // Of a host without fresh evidence only bad or no claims are made; they hold as long as if they rested on some.
  return end > issuedAt ? end : issuedAt + staleAfterSeconds;
}
