import { toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { parsePublic, publicName } from '@assay/core/tpm';
import { HostFacts, type Enrolment } from '@assay/wire';
import type { AdmissionRow } from '../store/schema.ts';
import { ekDigest } from './ek-digest.ts';
import { reasonsIn } from './reasons.ts';

export function enrolmentId(seq: number): string {
  return `E-${seq}`;
}

export function enrolmentOnWire(row: AdmissionRow): Enrolment {
  return {
    id: enrolmentId(row.seq),
    state: row.state,
    name: row.name,
    hostId: row.host,
    ekDigest: `sha256:${ekDigest(parsePublic(row.ek_public))}`,
    akName: toHex(publicName(nodeHasher, parsePublic(row.ak_public))),
    trust: row.trust,
    facts: HostFacts.parse(JSON.parse(row.facts)),
    reasons: reasonsIn(row),
    askedAt: row.asked_at,
    lastAskedAt: row.last_asked_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    note: row.note,
    enrolledAt: row.enrolled_at,
  };
}
