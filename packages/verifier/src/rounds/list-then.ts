import { buildReference, type ReferenceValues } from '@assay/core/reference';
import type { Context } from '../context.ts';
import type { HostState } from '../hosts/facts.ts';
import { keptOf } from '../hosts/kept.ts';
import { policyInForceFor } from '../store/policies.ts';
import { referenceValues } from '../store/references.ts';
import type { Database } from '../store/schema.ts';
import { bootAt, capturedBefore, listLengthAt } from '../store/timeline.ts';
import type { JudgedList } from './measurements.ts';

const NO_PCRS = new Map<number, Uint8Array>();

/**
 * The list of a host as the verifier knew it at a time, to be judged by what is known to have been in force then.
 * @param at RFC 3339, UTC, with milliseconds
 */
export async function listThen(
  db: Database,
  context: Pick<Context, 'references'>,
  { host, round }: HostState,
  at: string,
): Promise<JudgedList | null> {
  const boot = await bootAt(db, host.id, at);
  if (boot === undefined) return null;
  return {
    host: host.name,
    boot: boot.id,
    total: await listLengthAt(db, boot.id, at),
    reference: await referenceThen(db, context, host.id, at),
    bootPcrs: (boot.id === host.boot ? keptOf(round)?.pcrs : undefined) ?? NO_PCRS,
    at: new Date(at),
  };
}

/** Null where nothing is known to have been: which versions of a policy were in force before the present one is not kept. */
async function referenceThen(
  db: Database,
  { references }: Pick<Context, 'references'>,
  host: string,
  at: string,
): Promise<ReferenceValues | null> {
  const policy = await policyInForceFor(db, host);
  if (policy !== undefined && policy.since <= at) return references.policy(db, policy.name, policy.version);
  const captured = await capturedBefore(db, host, at);
  return captured === undefined ? null : buildReference(await referenceValues(db, host, captured.version));
}
