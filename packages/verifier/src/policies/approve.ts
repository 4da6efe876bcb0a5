import { pooled, type Pool, type ReferenceDocument } from '@assay/core/reference';
import type { FindingApproval } from '@assay/wire';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { findingBySeq } from '../store/findings.ts';
import { policyInForceFor } from '../store/policies.ts';
import type { Database, FindingRow } from '../store/schema.ts';
import { APPROVABLE } from './approvable.ts';
import { simulateVersion } from './candidate.ts';
import { versionOnWire } from './list.ts';
import { proposePolicy, type Proposed } from './push.ts';

const POOL = 'approved';

/**
 * Proposes a version of the host's policy in which what the finding is about is good. Somebody else signs and activates it.
 * @throws RequestProblem REQUEST-NOT-FOUND, REQUEST-INVALID
 */
export async function approveFinding(context: Context, by: Principal, seq: number): Promise<FindingApproval> {
  const { row, base } = await context.database.transaction().execute((db) => propose(db, context, by, seq));
  const simulation = await simulateVersion(context, row, 'present');
  return { schema: 'assay.finding-approval.v1', policy: versionOnWire(row, undefined), base, simulation };
}

async function propose(db: Database, context: Context, by: Principal, seq: number): Promise<Proposed> {
  const finding = await findingBySeq(db, seq);
  if (finding === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `There is no finding F-${seq}.`);
  const { digest } = finding;
  if (digest === null || !APPROVABLE.has(finding.code)) {
    throw new RequestProblem('REQUEST-INVALID', `${finding.code} is not about a digest that could be good.`);
  }
  const policy = await policyInForceFor(db, finding.host);
  if (policy === undefined) {
    throw new RequestProblem('REQUEST-INVALID', 'The host has no policy: use `assay reference capture` for it.');
  }
  return proposePolicy(db, context, by, policy.name, (document) => withDigest(document, finding, digest));
}

function withDigest(document: ReferenceDocument, finding: FindingRow, digest: string): ReferenceDocument {
  const known = document.pools.find(({ id }) => id === POOL);
  const items = (known?.digests ?? []).flatMap((each) => each.paths.map((path) => ({ digest: each.digest, path })));
  const digests = pooled([...items, { digest, path: finding.filename_hint ?? '' }]);
  const pool: Pool = { id: POOL, kind: 'manual', name: POOL, digests };
  const others = document.pools.filter(({ id }) => id !== POOL);
  return { ...document, pools: [...others, pool].toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}
