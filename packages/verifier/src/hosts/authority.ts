import type { ReferenceAuthority } from '@assay/core/verdict';
import { policyInForceFor, policySummaryOf } from '../store/policies.ts';
import type { Database } from '../store/schema.ts';
import { signersIn } from '../policies/signers.ts';
import type { HostState } from './facts.ts';

/** Who answers for what a host is compared with; null where it is compared with nothing. */
export async function authorityOf(
  db: Database,
  { host, reference }: Pick<HostState, 'host' | 'reference'>,
): Promise<ReferenceAuthority | null> {
  const inForce = await policyInForceFor(db, host.id);
  if (inForce === undefined) return reference && { kind: 'captured', by: reference.captured_by };
  const policy = await policySummaryOf(db, inForce.name, inForce.version);
  if (policy === undefined) throw new Error(`version ${inForce.version} of ${inForce.name} is not in the store`);
  return {
    kind: 'policy',
    name: policy.name,
    digest: policy.digest,
    signer: policy.signer,
    key:
      signersIn(policy)
        .flatMap(({ key }) => key ?? [])
        .join(' ') || null,
    pushed: { by: policy.pushed_by, at: new Date(policy.pushed_at) },
    activated: { by: inForce.activated_by, at: new Date(inForce.since) },
  };
}
