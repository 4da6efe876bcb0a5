import { EnrolmentReason, type TrustTier } from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { admissionIn, trustTier, type Admission } from '../hosts/admission.ts';
import { certifyAk, type CertifiedAk } from '../hosts/ak-certificate.ts';
import { endorse, type Endorsing } from '../hosts/ek-certificate.ts';
import { hostById, hostByName, otherByAkIdentity } from '../store/hosts.ts';
import { registeredKey } from '../store/registered-keys.ts';
import type { AdmissionRow, Database, EnrolmentRow, HostRow } from '../store/schema.ts';
import { registeredDigests } from './ek-digest.ts';

/** A machine that asks to be a host under a name. */
export type Asking = Pick<
  EnrolmentRow,
  'host' | 'name' | 'ek_public' | 'ek_certificates' | 'ak_public' | 'ak_certificates'
>;

/** What speaks for a machine, and what against its becoming a host now. */
export interface Standing {
  readonly endorsing: Endorsing;
  readonly certified: CertifiedAk | null;
  readonly admission: Admission | null;
  readonly trust: TrustTier;
  /** Empty: nothing is to be decided. */
  readonly reasons: readonly EnrolmentReason[];
}

/** @throws VerificationError AK-CERTIFICATE and the CERT codes, where an authority should vouch for the key and does not */
export async function standingOf(db: Database, context: Context, asking: Asking): Promise<Standing> {
  const endorsing = endorse(context.ekAuthorities, asking, context.now());
  const certified = certifyAk(context, asking, context.now());
  const [named, known] = [await hostByName(db, asking.name), await hostById(db, asking.host)];
  const registered = await registeredKey(db, registeredDigests(asking.ek_public));
  const mayHaveName = registered !== undefined && (registered.name === null || registered.name === asking.name);
  const admission: Admission | null = mayHaveName
    ? { how: 'registered', by: registered.registered_by, at: registered.registered_at }
    : known === undefined
      ? null
      : admissionIn(known);
  const { endorsement } = endorsing;
  const trust = trustTier({ akCertificate: certified?.certificate ?? null, endorsement, admission });
  const standing = { endorsing, certified, admission, trust };
  const disputes = [...disputesOf(asking, named, known), ...(await sameMachine(db, asking, certified, known))];
  if (disputes.length > 0) return { ...standing, reasons: disputes };
  const sentence =
    registered !== undefined && !mayHaveName
      ? `This endorsement key is registered for the name ${registered.name}.`
      : known === undefined || isVouchedForNoMore(known, trust)
        ? missingApproval(context.approveEnrolments, standing)
        : undefined;
  const reasons = sentence === undefined ? [] : [{ code: 'APPROVAL-REQUIRED' as const, sentence, host: null }];
  return { ...standing, reasons };
}

/** One name, one endorsement key. */
function disputesOf(asking: Asking, named: HostRow | undefined, known: HostRow | undefined): EnrolmentReason[] {
  const reasons: EnrolmentReason[] = [];
  if (named !== undefined && named.id !== asking.host) {
    const sentence =
      `The name ${named.name} belongs to host ${named.id}, which has another endorsement key: its TPM was replaced, or ` +
      'another machine wants to speak for it. Approved, this machine takes its place, and what is known of it is removed.';
    reasons.push({ code: 'HOST-DUPLICATE', sentence, host: { id: named.id, name: named.name } });
  }
  if (known !== undefined && known.name !== asking.name) {
    const sentence =
      `This endorsement key is enrolled already, as ${known.name}: it was renamed, or another machine runs on a copy of ` +
      'that TPM state. Approved, that host gets this name.';
    reasons.push({ code: 'EK-DUPLICATE', sentence, host: { id: known.id, name: known.name } });
  }
  return reasons;
}

/** One machine, by the word of its cloud, one host: it may have several endorsement keys. */
async function sameMachine(
  db: Database,
  asking: Asking,
  certified: CertifiedAk | null,
  known: HostRow | undefined,
): Promise<EnrolmentReason[]> {
  if (certified === null || known?.ak_identity === certified.identity) return [];
  const other = await otherByAkIdentity(db, certified.identity, asking.host);
  if (other === undefined || other.name === asking.name) return [];
  const sentence =
    `By the certificate of its attestation key this is the machine that is enrolled as ${other.name}, which has another ` +
    'endorsement key: its TPM has several of them, or it was made anew. Approved, it is a host beside that one.';
  return [{ code: 'APPROVAL-REQUIRED', sentence, host: { id: other.id, name: other.name } }];
}

/** What let the host in was its attestation key, and it comes with another: its endorsement key may be made up. */
function isVouchedForNoMore(known: HostRow, trust: TrustTier): boolean {
  return known.ak_certificate !== null && trust === 'first-use';
}

function missingApproval(
  wanted: Context['approveEnrolments'],
  { trust, certified }: Pick<Standing, 'trust' | 'certified'>,
): string | undefined {
  if (trust === 'registered' || wanted === 'none') return undefined;
  if (trust === 'first-use')
    return 'Nobody vouches for the endorsement key, and this verifier trusts none on first use.';
  if (wanted !== 'all') return undefined;
  const machine = certified === null ? '' : ` ${certifiedFor(certified.certificate)}`;
  return `This verifier wants every machine to be approved.${machine}`;
}

/** Who decides shall know for which machine the key was certified. */
function certifiedFor({ authority, subject, instance }: CertifiedAk['certificate']): string {
  const machine =
    instance === undefined
      ? subject
      : `instance ${instance.instanceName} (${instance.instanceId}) of project ${instance.projectId} in ${instance.zone}`;
  return `Its attestation key was certified for ${machine || 'no name'}, by ${authority}.`;
}

const Reasons = z.array(EnrolmentReason);

export function reasonsIn({ reasons }: Pick<AdmissionRow, 'reasons'>): EnrolmentReason[] {
  return Reasons.parse(JSON.parse(reasons));
}

/** Whether what was approved is what stands against the machine now: the same disputes with the same hosts. */
export function covers(approved: readonly EnrolmentReason[], now: readonly EnrolmentReason[]): boolean {
  return now.every(({ code, host }) => approved.some((known) => known.code === code && known.host?.id === host?.id));
}
