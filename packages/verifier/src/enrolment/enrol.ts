import { randomBytes } from 'node:crypto';
import { toBase64, toHex } from '@assay/core/bytes';
import { nodeCredentials, nodeHasher } from '@assay/core/node';
import { makeCredential } from '@assay/core/tpm';
import type { EnrolReply, EnrolRequest } from '@assay/wire';
import type { Context } from '../context.ts';
import { certifyAk } from '../hosts/ak-certificate.ts';
import { RequestProblem } from '../problem.ts';
import { addEnrolment } from '../store/enrolments.ts';
import { refuseCertified } from '../hosts/key-renewal.ts';
import { hostById } from '../store/hosts.ts';
import { registeredKey } from '../store/registered-keys.ts';
import type { EnrolmentRow } from '../store/schema.ts';
import { newToken } from '../tokens.ts';
import { turnAway } from './admit.ts';
import { registeredDigests } from './ek-digest.ts';
import { checkKeys, hostIdOf, type EnrolledKeys } from './keys.ts';
import type { Asking } from './reasons.ts';

const LIFETIME_MILLISECONDS = 2 * 60 * 1000;
const SECRET_BYTES = 32;

/**
 * Begins an enrolment: a credential that only the TPM with both keys can open. Nothing is trusted yet.
 * @param by whose join token it came with; undefined: none
 * @throws FormatError, VerificationError EK-UNTRUSTED, AK-ATTRIBUTES, AK-CERTIFICATE or a CERT code, RequestProblem REQUEST-UNAUTHENTICATED,
 * ENROLMENT-WAITS, ENROLMENT-REFUSED
 */
export async function enrol(context: Context, by: string | undefined, request: EnrolRequest): Promise<EnrolReply> {
  const keys = checkKeys(request);
  const askedBy = by ?? (await whoRegistered(context, keys));
  const asking = { name: request.name, host: hostIdOf(keys.ek), ...certifiedBy(keys, request) };
  certifyAk(context, asking, context.now()); // Before the TPM is asked for anything.
  await turnAway(context, asking);
  return begin(context, keys, request, { ...asking, asked_by: askedBy, renews: 0 });
}

/**
 * The same for a host that has a token of its own and wants another attestation key. Nobody is asked: under its name there is
 * the host with this endorsement key already, and whatever vouches for that key stays.
 * @throws as `enrol`; RequestProblem REQUEST-FORBIDDEN for another endorsement key than that of the host, KEY-CERTIFIED
 */
export async function renewKey(context: Context, host: string, request: EnrolRequest): Promise<EnrolReply> {
  const keys = checkKeys(request);
  const row = await hostById(context.database, host);
  if (row === undefined || hostIdOf(keys.ek) !== host) {
    throw new RequestProblem('REQUEST-FORBIDDEN', `The token is of host ${host}, whose endorsement key is another.`);
  }
  refuseCertified(row);
  const { name, ek_public, ek_certificates } = row;
  const vouching = { ek_public, ek_certificates, ak_public: keys.akPublic, ak_certificates: null };
  return begin(context, keys, request, { host, name, ...vouching, asked_by: name, renews: 1 });
}

async function whoRegistered(context: Context, { ekPublic }: EnrolledKeys): Promise<string> {
  const registered = await registeredKey(context.database, registeredDigests(ekPublic));
  if (registered !== undefined) return `key registered by ${registered.registered_by}`;
  throw new RequestProblem(
    'REQUEST-UNAUTHENTICATED',
    'This needs the join token as a bearer token, or a registered key.',
  );
}

function certifiedBy({ ekPublic, akPublic }: EnrolledKeys, { ekCertificates, akCertificates = [] }: EnrolRequest) {
  return {
    ek_public: ekPublic,
    ek_certificates: ekCertificates === undefined ? null : JSON.stringify(ekCertificates),
    ak_public: akPublic,
    ak_certificates: akCertificates.length === 0 ? null : JSON.stringify(akCertificates),
  };
}

async function begin(
  context: Context,
  { ek, ak }: EnrolledKeys,
  { facts }: EnrolRequest,
  asking: Asking & Pick<EnrolmentRow, 'asked_by' | 'renews'>,
): Promise<EnrolReply> {
  const secret = randomBytes(SECRET_BYTES);
  const credential = makeCredential({ hasher: nodeHasher, credentials: nodeCredentials }, ek, ak.name, secret);
  const now = context.now();
  const expiresAt = new Date(now.getTime() + LIFETIME_MILLISECONDS).toISOString();
  const enrolment = newToken();
  const row = {
    ...asking,
    id: enrolment,
    facts: JSON.stringify(facts),
    secret_digest: nodeHasher.digest('sha256', secret),
    expires_at: expiresAt,
  };
  await context.database.transaction().execute((db) => addEnrolment(db, row, now.toISOString()));
  context.log(`enrolment of ${asking.name} (${asking.host}) begun, attestation key ${toHex(ak.name)}`);
  return {
    enrolment,
    credentialBlob: toBase64(credential.credentialBlob),
    encryptedSecret: toBase64(credential.encryptedSecret),
    expiresAt,
  };
}
