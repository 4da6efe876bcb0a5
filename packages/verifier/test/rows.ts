import type { HostRow } from '../src/store/schema.ts';

export const NOW = '2026-09-01T12:00:00.000Z';
export const LATER = '2026-09-01T12:02:00.000Z';

/** A host that was enrolled and has sent nothing. */
export function hostRow(id: string): HostRow {
  return {
    id,
    name: `host-${id}`,
    ek_public: Uint8Array.of(1),
    ak_public: Uint8Array.of(2),
    token_digest: new TextEncoder().encode(id),
    enrolled_at: NOW,
    ak_since: NOW,
    key_renewal: null,
    tpm_kind: 'simulated',
    list_source: 'simulated',
    kernel: '6.12',
    verdict: 'pending',
    sentence: '',
    verdict_since: NOW,
    boot: null,
    reference_version: null,
    ek_certificates: null,
    endorsement: null,
    admission: null,
    ak_certificates: null,
    ak_certificate: null,
    ak_identity: null,
  };
}
