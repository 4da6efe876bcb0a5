import { utf8 } from '@assay/core/bytes';
import { parseEnvelope } from '@assay/core/dsse';
import { checkedReference, parseReference, type ReferenceDocument } from '@assay/core/reference';
import type { PolicyCandidate, PolicyProposal, PolicyProposed, PolicySimulation } from '@assay/wire';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { compiledReference } from '../hosts/references.ts';
import { RequestProblem } from '../problem.ts';
import { newestPolicy, policyOf } from '../store/policies.ts';
import type { PolicyRow } from '../store/schema.ts';
import { versionOnWire } from './list.ts';
import { isEnvelope, proposePolicy } from './push.ts';
import { simulatePolicy } from './simulate.ts';

type Denials = PolicyProposal['deny'];

/**
 * Tries reference values that are not stored, or a version that is, with digests that are denied besides.
 * @throws RequestProblem REQUEST-NOT-FOUND, REQUEST-INVALID; FormatError
 */
export async function simulateCandidate(
  context: Context,
  name: string,
  { document, version, deny = [], boots = 'present' }: PolicyCandidate,
  signal: AbortSignal,
): Promise<PolicySimulation> {
  if (document !== undefined && version !== undefined) {
    throw new RequestProblem('REQUEST-INVALID', 'The candidate is a document or a version, not both.');
  }
  const base = document === undefined ? await storedDocument(context, name, version) : documentIn(document);
  if (base.name !== name) throw new RequestProblem('REQUEST-INVALID', `The document is of ${base.name}, not ${name}.`);
  const candidate = deny.length === 0 ? base : checkedReference(withDenied(base, deny)).document;
  return simulatePolicy(context, { name, values: compiledReference(candidate), boots, signal });
}

/** Proposes the version after the newest one, in which these digests are denied, and says what it would make of the fleet. */
export async function proposeDenials(
  context: Context,
  by: Principal,
  name: string,
  { deny }: PolicyProposal,
): Promise<PolicyProposed> {
  const { row, base } = await context.database
    .transaction()
    .execute((db) => proposePolicy(db, context, by, name, (document) => withDenied(document, deny)));
  const simulation = await simulateVersion(context, row, 'present');
  return { schema: 'assay.policy-proposal.v1', policy: versionOnWire(row, undefined), base, simulation };
}

/** What a stored version would make of the lists. */
export async function simulateVersion(
  context: Context,
  row: PolicyRow,
  boots: 'present' | 'all',
  signal?: AbortSignal,
): Promise<PolicySimulation> {
  const values = compiledReference(parseReference(row.document).document);
  return simulatePolicy(context, { name: row.name, values, boots, signal });
}

/** Nobody has to vouch for what is only looked at. */
function documentIn(text: string): ReferenceDocument {
  const bytes = utf8(text);
  return parseReference(isEnvelope(text) ? parseEnvelope(bytes).payload : bytes).document;
}

async function storedDocument(
  { database }: Context,
  name: string,
  version: number | undefined,
): Promise<ReferenceDocument> {
  const row = version === undefined ? await newestPolicy(database, name) : await policyOf(database, name, version);
  if (row !== undefined) return parseReference(row.document).document;
  const what = version === undefined ? `policy ${name}` : `version ${version} of ${name}`;
  throw new RequestProblem('REQUEST-NOT-FOUND', `There is no ${what}.`);
}

/** A digest that is denied already gets the newer reason. */
function withDenied(document: ReferenceDocument, deny: Denials): ReferenceDocument {
  const denied = new Map([...document.denied, ...deny].map((rule) => [rule.digest, rule]));
  return { ...document, denied: [...denied.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1)) };
}
