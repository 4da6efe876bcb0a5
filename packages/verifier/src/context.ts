import type { ParsedCertificate } from '@assay/core/keys';
import type { EkAuthorities } from './hosts/ek-certificate.ts';
import type { ReferenceCache } from './hosts/references.ts';
import type { News } from './news/news.ts';
import type { Turns } from './policies/turns.ts';
import type { AttestationKeys } from './rounds/attestation-keys.ts';
import type { RecentParts } from './rounds/recent-parts.ts';
import type { Database } from './store/schema.ts';
import type { HostAuthority } from './tls/host-authority.ts';

/** What every part of the verifier works with. */
export interface Context {
  readonly database: Database;
  readonly references: ReferenceCache;
  readonly attestationKeys: AttestationKeys;
  readonly recentParts: RecentParts;
  /** Simulations of policies, of which one is made at a time. */
  readonly simulations: Turns;
  readonly ekAuthorities: EkAuthorities;
  /** Authorities that may vouch for attestation keys; with none, certificates of such keys are not looked at. */
  readonly akAuthorities: readonly ParsedCertificate[];
  /** Gives hosts certificates, and wants them; null: hosts have none. */
  readonly hostAuthority: HostAuthority | null;
  /** What the listeners of `/v1/events` are told, at every verifier of this store. */
  readonly news: News;
  readonly now: () => Date;
  readonly log: (line: string) => void;
  readonly heartbeatSeconds: number;
  readonly staleAfterSeconds: number;
  /** Age at which hosts shall make another attestation key; null: however old it is. */
  readonly renewKeysAfterSeconds: number | null;
  /** Which machines wait for a decision though nothing speaks against them: those that nobody vouches for, or all. */
  readonly approveEnrolments: 'none' | 'first-use' | 'all';
}
