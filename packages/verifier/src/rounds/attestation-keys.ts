import { equalBytes } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { checkAttestationKey, parsePublic, type VerifiedAttestationKey } from '@assay/core/tpm';
import { Recent } from '../recent.ts';
import type { HostRow } from '../store/schema.ts';

/** Hosts whose key stays in memory, about 3 KB each. */
const HOSTS_LIMIT = 20_000;

/** Attestation keys in the form that verifies: to read, check and import one takes as long as to verify a quote with it. */
export class AttestationKeys {
  readonly #recent = new Recent<{ readonly bytes: Uint8Array; readonly key: VerifiedAttestationKey }>(HOSTS_LIMIT);

  of(host: Pick<HostRow, 'id' | 'ak_public'>): VerifiedAttestationKey {
    const known = this.#recent.get(host.id);
    if (known !== undefined && equalBytes(known.bytes, host.ak_public)) return known.key;
    const key = checkAttestationKey(parsePublic(host.ak_public), nodeHasher);
    this.#recent.set(host.id, { bytes: host.ak_public, key });
    return key;
  }
}
