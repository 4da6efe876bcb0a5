import { z } from 'zod';
import type { HostRow } from '../store/schema.ts';
import type { TrustTier } from '@assay/wire';
import type { Endorsement } from './ek-certificate.ts';

/** Who let an endorsement key in: by registering it before, or by approving the enrolment. */
const Admission = z.object({ how: z.enum(['registered', 'approved']), by: z.string(), at: z.iso.datetime() });
export type Admission = z.infer<typeof Admission>;

export function admissionIn({ admission }: Pick<HostRow, 'admission'>): Admission | null {
  return admission === null ? null : Admission.parse(JSON.parse(admission));
}

/** An authority that vouches for the TPM says more than a person who let its key in. */
export function trustTier(endorsement: Endorsement | null, admission: Admission | null): TrustTier {
  return endorsement === null ? (admission?.how ?? 'first-use') : 'ek-certificate';
}
