import { z } from 'zod';
import type { HostRow } from '../store/schema.ts';
import type { TrustTier } from '@assay/wire';
import { akCertificateIn, type AkCertificate } from './ak-certificate.ts';
import { endorsementIn, type Endorsement } from './ek-certificate.ts';

/** Who let an endorsement key in: by registering it before, or by approving the enrolment. */
const Admission = z.object({ how: z.enum(['registered', 'approved']), by: z.string(), at: z.iso.datetime() });
export type Admission = z.infer<typeof Admission>;

export function admissionIn({ admission }: Pick<HostRow, 'admission'>): Admission | null {
  return admission === null ? null : Admission.parse(JSON.parse(admission));
}

interface Vouching {
  readonly akCertificate: AkCertificate | null;
  readonly endorsement: Endorsement | null;
  readonly admission: Admission | null;
}

/**
 * An authority that vouches for the TPM says more than a person who let its key in, and one that vouches for the key that
 * signs, of which machine it is, more than one that vouches for the TPM.
 */
export function trustTier({ akCertificate, endorsement, admission }: Vouching): TrustTier {
  if (akCertificate !== null) return 'ak-certificate';
  return endorsement === null ? (admission?.how ?? 'first-use') : 'ek-certificate';
}

export function trustOf(host: Pick<HostRow, 'ak_certificate' | 'endorsement' | 'admission'>): TrustTier {
  const [akCertificate, endorsement, admission] = [akCertificateIn(host), endorsementIn(host), admissionIn(host)];
  return trustTier({ akCertificate, endorsement, admission });
}
