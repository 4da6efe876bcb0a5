import { equalBytes } from '../bytes/index.ts';
import type { Hasher } from '../hash/index.ts';
import { measuredParts } from '../label/index.ts';
import { digestText, filenameHint, type FileDigest, type MeasurementEntry } from '../measurement/index.ts';
import type { BufferRule, Exclude, Pool } from './document.ts';
import type { ReferenceValues } from './values.ts';

/** Whether reference values accept an entry, and by what. */
export type Decision =
  /** Good: its digest is in a pool, or in a rule for its name. */
  | { readonly status: 'known'; readonly pool?: Pool }
  /** Good: signed by a key that is good. */
  | { readonly status: 'signed'; readonly key: string }
  /** Let through by an exclude: nothing says that it is good. */
  | { readonly status: 'excluded'; readonly exclude: Exclude }
  | { readonly status: 'denied'; readonly reason: string }
  /** A key or certificate that was loaded into a keyring. */
  | { readonly status: 'keyring' }
  /** An IMA policy that was loaded. */
  | { readonly status: 'kernel-policy' }
  /** Another digest is good at this path; `expected` is the pool that has it. */
  | { readonly status: 'changed'; readonly expected?: Pool; readonly ended?: Pool; readonly elsewhere?: string }
  /** `ended`: the pool that had it, until its time was over. `elsewhere`: a path at which the digest is good. */
  | { readonly status: 'unknown'; readonly ended?: Pool; readonly elsewhere?: string };

export type DecisionStatus = Decision['status'];

/** Decisions by which an entry is no finding. */
export const ACCEPTED: ReadonlySet<DecisionStatus> = new Set(['known', 'signed', 'excluded']);

/**
 * Decides about an entry of a file or buffer. A denied digest is denied, whoever signed it and whatever is excluded.
 * @param at the time of the verifier; without it nothing that ends is good
 */
export function decide(
  values: ReferenceValues,
  entry: Pick<MeasurementEntry, 'fields'>,
  hasher: Hasher,
  at?: Date,
): Decision {
  const name = filenameHint(entry.fields);
  const digest = digestText(entry.fields.digest);
  const reason = values.denied(digest);
  if (reason !== undefined) return { status: 'denied', reason };
  const { kernelPolicy } = values.document;
  if (kernelPolicy?.paths.includes(name))
    return { status: kernelPolicy.digests.includes(digest) ? 'known' : 'kernel-policy' };
  const special = decideBuffer(values, entry, hasher, digest);
  return special ?? decideFile(values, entry, { name, digest }, at);
}

function decideFile(
  values: ReferenceValues,
  entry: Pick<MeasurementEntry, 'fields'>,
  { name, digest }: { name: string; digest: string },
  at: Date | undefined,
): Decision {
  const pool = values.poolOf(digest);
  if (pool !== undefined && lasts(pool.until, at)) return { status: 'known', pool };
  if (values.isBound(digest, name)) return { status: 'known' };
  const key = values.signers.keyOf(entry);
  if (key !== undefined) return { status: 'signed', key };
  const hole = holeFor(values, entry, at);
  if (hole !== undefined) return { status: 'excluded', exclude: hole };
  const elsewhere = values.pathOf(digest);
  const facts = { ...(pool === undefined ? {} : { ended: pool }), ...(elsewhere === undefined ? {} : { elsewhere }) };
  if (!values.knowsPath(name)) return { status: 'unknown', ...facts };
  const expected = values.poolAt(name);
  return { status: 'changed', ...facts, ...(expected === undefined ? {} : { expected }) };
}

/** Patterns are compared with the name as the kernel has it, without escapes. */
function holeFor(
  { excludes }: ReferenceValues,
  { fields }: Pick<MeasurementEntry, 'fields'>,
  at: Date | undefined,
): Exclude | undefined {
  if (at === undefined || excludes.length === 0) return undefined;
  const name = new TextDecoder('utf-8', { ignoreBOM: true }).decode(fields.name ?? new Uint8Array(0));
  return excludes.find(({ exclude, matches }) => lasts(exclude.expires, at) && matches(name))?.exclude;
}

/** Without a time, what ends counts as ended. */
function lasts(until: string | undefined, at: Date | undefined): boolean {
  return until === undefined || (at !== undefined && at.getTime() <= Date.parse(until));
}

/**
 * A buffer by the rules for its name. A template digest does not cover the template's name, so what is shown as a buffer
 * is one only where its digest is that of the buffer.
 */
function decideBuffer(
  { document }: ReferenceValues,
  { fields }: Pick<MeasurementEntry, 'fields'>,
  hasher: Hasher,
  digest: string,
): Decision | undefined {
  const { buffer } = fields;
  if (buffer === undefined || buffer.length === 0 || !isDigestOf(hasher, buffer, fields.digest)) return undefined;
  const name = filenameHint(fields);
  const key = measuredParts(hasher, fields).buffer;
  if (key?.kind !== 'key') return hasDigest(document.buffers, name, digest) ? { status: 'known' } : undefined;
  const { ignoredKeyrings, keyrings } = document;
  if (ignoredKeyrings.includes('*') || ignoredKeyrings.includes(name) || hasDigest(keyrings, name, digest)) {
    return { status: 'known' };
  }
  return keyrings.some((rule) => rule.name === name) ? { status: 'keyring' } : undefined;
}

/** Of the algorithms that every implementation has: a list may name any. */
function isDigestOf(hasher: Hasher, buffer: Uint8Array, digest: FileDigest | undefined): boolean {
  if (digest === undefined || !/^sha(?:1|256|384|512)$/.test(digest.algorithm)) return false;
  return equalBytes(hasher.digest(digest.algorithm, buffer), digest.value);
}

function hasDigest(rules: readonly BufferRule[], name: string, digest: string): boolean {
  return rules.find((rule) => rule.name === name)?.digests.includes(digest) ?? false;
}
