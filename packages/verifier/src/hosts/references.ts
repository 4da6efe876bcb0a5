import { buildReference, type ReferenceValues } from '@assay/core/reference';
import { referenceValues } from '../store/references.ts';
import type { Database, HostRow } from '../store/schema.ts';

/** Most hosts whose reference values stay in memory. */
const HOSTS_LIMIT = 64;

/** Reference values in the form that judges; a version never changes once it is committed. */
export class ReferenceCache {
  readonly #byHost = new Map<string, { version: number; values: ReferenceValues }>();

  /** The active reference values of the host; null when it has none. */
  async of(db: Database, host: Pick<HostRow, 'id' | 'reference_version'>): Promise<ReferenceValues | null> {
    const version = host.reference_version;
    if (version === null) return null;
    const cached = this.#byHost.get(host.id);
    if (cached?.version === version) return cached.values;
    const values = buildReference(await referenceValues(db, host.id, version));
    this.#remember(host.id, version, values);
    return values;
  }

  #remember(host: string, version: number, values: ReferenceValues): void {
    this.#byHost.delete(host);
    this.#byHost.set(host, { version, values });
    const [oldest] = this.#byHost.keys();
    if (this.#byHost.size > HOSTS_LIMIT && oldest !== undefined) this.#byHost.delete(oldest);
  }
}
