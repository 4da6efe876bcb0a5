import { fromBase64, toHex } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { verifyAkCertificate, type VerifiedAkCertificate } from '@assay/core/evidence';
import { parseCertificate, type ParsedCertificate } from '@assay/core/keys';
import { nodeHasher, nodeSignatures } from '@assay/core/node';
import { checkAttestationKey, parsePublic } from '@assay/core/tpm';
import { nameText } from '@assay/core/x509';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { transact, type Change } from '../news/news.ts';
import { hostById, hostsWithoutAkCertificate, otherByAkIdentity, updateHost } from '../store/hosts.ts';
import { lockWork } from '../store/locks.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { renewVerdict } from './verdict.ts';

/** Who vouches for an attestation key, and for which machine, as the certificates have it. */
const AkCertificate = z.object({
  authority: z.string(),
  subject: z.string(),
  instance: z
    .object({
      zone: z.string(),
      projectNumber: z.string(),
      projectId: z.string(),
      instanceId: z.string(),
      instanceName: z.string(),
    })
    .optional(),
});
export type AkCertificate = z.infer<typeof AkCertificate>;

export function akCertificateIn({ ak_certificate }: Pick<HostRow, 'ak_certificate'>): AkCertificate | null {
  return ak_certificate === null ? null : AkCertificate.parse(JSON.parse(ak_certificate));
}

export interface CertifiedAk {
  readonly certificate: AkCertificate;
  /** One machine has one, whichever of its keys is certified where the certificate names the machine. */
  readonly identity: string;
}

const Certificates = z.array(z.string());

/**
 * What vouches for an attestation key. Where the verifier trusts no authority to do so, nothing that comes with it counts.
 * @throws VerificationError AK-CERTIFICATE and the CERT codes
 */
export function certifyAk(
  { akAuthorities }: Pick<Context, 'akAuthorities'>,
  { ak_public, ak_certificates }: Pick<HostRow, 'ak_public' | 'ak_certificates'>,
  now: Date,
): CertifiedAk | null {
  const texts = ak_certificates === null ? [] : Certificates.parse(JSON.parse(ak_certificates));
  if (texts.length === 0 || akAuthorities.length === 0) return null;
  try {
    return verified(akAuthorities, texts, ak_public, now);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const message = `the certificate of the attestation key cannot be read: ${error.message}`;
    throw new VerificationError('AK-CERTIFICATE', message);
  }
}

function verified(
  anchors: readonly ParsedCertificate[],
  texts: readonly string[],
  akPublic: Uint8Array,
  now: Date,
): CertifiedAk | null {
  const [certificate, ...sent] = texts.map((text) => parseCertificate(fromBase64(text)));
  if (certificate === undefined) return null;
  const ak = checkAttestationKey(parsePublic(akPublic), nodeHasher);
  const result = verifyAkCertificate({ certificate, sent, anchors, ak, now: now.getTime() }, nodeSignatures);
  const { path, instance } = result;
  const root = path.at(-1) ?? certificate;
  const names = { authority: nameText(root.subject), subject: nameText(certificate.subject) };
  return { certificate: { ...names, ...(instance === undefined ? {} : { instance }) }, identity: identityOf(result) };
}

function identityOf({ ak, instance }: VerifiedAkCertificate): string {
  if (instance === undefined) return `ak:${toHex(ak.name)}`;
  return `gce:${instance.projectNumber}/${instance.instanceId}`;
}

/** Columns of a host, of what vouches for its attestation key. */
export function akColumns(certified: CertifiedAk | null): Pick<HostRow, 'ak_certificate' | 'ak_identity'> {
  if (certified === null) return { ak_certificate: null, ak_identity: null };
  return { ak_certificate: JSON.stringify(certified.certificate), ak_identity: certified.identity };
}

/** Looks again at the certificates that nobody vouched for when their hosts enrolled: the authorities may be others now. */
export async function certifyAgain(context: Context): Promise<void> {
  if (context.akAuthorities.length === 0) return;
  for (const id of await hostsWithoutAkCertificate(context.database)) {
    await transact(context, async (db) => ({ result: undefined, changes: await certifyOne(db, context, id) }));
  }
}

/** Other verifiers of this store enrol hosts meanwhile: locked as an enrolment is, the host is read once more. */
async function certifyOne(db: Database, context: Context, id: string): Promise<Change[]> {
  await lockWork(db, 'enrolment');
  const [round] = await lockRounds(db, [id]);
  const host = await hostById(db, id);
  // Nothing that the key signed was seen of a host without evidence, and who opens a credential may have made up the rest.
  if (host === undefined || host.ak_certificate !== null || (round?.evidence_at ?? null) === null) return [];
  const certified = unlessRefused(context, host);
  if (certified === null) return [];
  const other = await otherByAkIdentity(db, certified.identity, id);
  if (other !== undefined) {
    context.log(`${host.name} (${id}): by the certificate of its attestation key it is the machine of ${other.name}`);
    return [];
  }
  await updateHost(db, id, akColumns(certified));
  await renewVerdict(db, context, id);
  return [{ type: 'host', host: id }];
}

/** A host that enrolled when nobody looked at its certificate stays what it is. */
function unlessRefused(context: Context, host: HostRow): CertifiedAk | null {
  try {
    return certifyAk(context, host, context.now());
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    context.log(`${host.name} (${host.id}): the certificate of its attestation key does not verify: ${error.message}`);
    return null;
  }
}
