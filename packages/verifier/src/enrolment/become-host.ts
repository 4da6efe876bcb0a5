import { HostFacts } from '@assay/wire';
import type { Context } from '../context.ts';
import { akColumns } from '../hosts/ak-certificate.ts';
import type { Admission } from '../hosts/admission.ts';
import { hostById, hostByName, insertHost, updateHost } from '../store/hosts.ts';
import { assignPolicy, policyInForceFor } from '../store/policies.ts';
import { deleteHost } from '../store/removal.ts';
import { firstRound, lockRounds, saveRounds } from '../store/rounds.ts';
import type { AdmissionRow, Database, EnrolmentRow } from '../store/schema.ts';
import { tokenDigest } from '../tokens.ts';
import type { Standing } from './reasons.ts';

interface LetIn {
  readonly standing: Standing;
  /** Where somebody approved the machine. */
  readonly decided: AdmissionRow | undefined;
  /** The new bearer token of its agent. */
  readonly token: string;
}

/**
 * A host that enrols again may come with a new attestation key, so what the old one proved is no ground to go on
 * from: the next evidence brings the whole list. One that has the name and gives way to this machine leaves it its policy.
 * @returns the id of the host that gave way
 */
export async function becomeHost(
  db: Database,
  context: Context,
  enrolment: EnrolmentRow,
  letIn: LetIn,
): Promise<{ replaced: string | undefined }> {
  const { host, name } = enrolment;
  const before = await hostByName(db, name);
  const replaced = before === undefined || before.id === host ? undefined : before.id;
  await lockRounds(db, [host, ...(replaced === undefined ? [] : [replaced])]);
  const policy = replaced === undefined ? undefined : await policyInForceFor(db, replaced);
  if (replaced !== undefined) await deleteHost(db, replaced);
  const identity = identityOf(enrolment, letIn, context);
  if ((await hostById(db, host)) === undefined) await insertHost(db, { ...identity, ...newHost(enrolment, context) });
  else {
    await saveRounds(db, [firstRound(host)]);
    await updateHost(db, host, identity);
  }
  if (policy !== undefined) await assignPolicy(db, [host], policy.name);
  return { replaced };
}

function identityOf(enrolment: EnrolmentRow, { standing, decided, token }: LetIn, context: Context) {
  const facts = HostFacts.parse(JSON.parse(enrolment.facts));
  const admission = standing.admission ?? admissionBy(decided);
  return {
    name: enrolment.name,
    ak_public: enrolment.ak_public,
    ak_since: context.now().toISOString(),
    key_renewal: null,
    token_digest: tokenDigest(token),
    tpm_kind: facts.tpmKind,
    list_source: facts.listSource,
    kernel: facts.kernel,
    ek_certificates: enrolment.ek_certificates,
    ak_certificates: enrolment.ak_certificates,
    ...akColumns(standing.certified),
    admission: admission === null ? null : JSON.stringify(admission),
  };
}

function admissionBy(decided: AdmissionRow | undefined): Admission | null {
  const { decided_by: by, decided_at: at } = decided ?? { decided_by: null, decided_at: null };
  return by === null || at === null ? null : { how: 'approved', by, at };
}

function newHost({ host, ek_public }: EnrolmentRow, context: Context) {
  const now = context.now().toISOString();
  return {
    id: host,
    ek_public,
    enrolled_at: now,
    verdict: 'pending' as const,
    sentence: '',
    verdict_since: now,
    boot: null,
    reference_version: null,
  };
}
