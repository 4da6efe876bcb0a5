import { nodeDigestSignatures, nodeHasher } from '@assay/core/node';
import {
  buildReference,
  compileReference,
  parseReference,
  type ReferenceDocument,
  type ReferenceValues,
} from '@assay/core/reference';
import { re2Patterns } from '../policies/patterns.ts';
import { policyInForceFor, policyOf } from '../store/policies.ts';
import { referenceValues } from '../store/references.ts';
import type { Database, HostRow } from '../store/schema.ts';

/** Most reference values that stay in memory: one for each policy, and for each host that has its own. */
const LIMIT = 64;
const PORTS = { hasher: nodeHasher, digestSignatures: nodeDigestSignatures, patterns: re2Patterns };

/** Reference values in the form that judges; a version never changes once it is committed. */
export class ReferenceCache {
  readonly #kept = new Map<string, { version: number; values: ReferenceValues }>();

  /** The reference values in force for the host; null when it has none. A policy goes before what was captured. */
  async of(db: Database, host: Pick<HostRow, 'id' | 'reference_version'>): Promise<ReferenceValues | null> {
    const policy = await policyInForceFor(db, host.id);
    if (policy !== undefined) return this.policy(db, policy.name, policy.version);
    const version = host.reference_version;
    if (version === null) return null;
    return this.#get(`host ${host.id}`, version, async () =>
      buildReference(await referenceValues(db, host.id, version)),
    );
  }

  /** One for all hosts that use it. */
  async policy(db: Database, name: string, version: number): Promise<ReferenceValues> {
    return this.#get(`policy ${name}`, version, () => compiledPolicy(db, name, version));
  }

  async #get(key: string, version: number, make: () => Promise<ReferenceValues>): Promise<ReferenceValues> {
    const cached = this.#kept.get(key);
    if (cached?.version === version) return cached.values;
    const values = await make();
    this.#kept.delete(key);
    this.#kept.set(key, { version, values });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > LIMIT && oldest !== undefined) this.#kept.delete(oldest);
    return values;
  }
}

async function compiledPolicy(db: Database, name: string, version: number): Promise<ReferenceValues> {
  const row = await policyOf(db, name, version);
  if (row === undefined) throw new Error(`version ${version} of ${name} is not in the store`);
  return compiledReference(parseReference(row.document).document);
}

/** For what may never come into force: nothing is kept of it. @throws FormatError REFERENCE-PATTERN, DER-FORM, KEY-UNKNOWN */
export function compiledReference(document: ReferenceDocument): ReferenceValues {
  return compileReference(document, PORTS);
}
