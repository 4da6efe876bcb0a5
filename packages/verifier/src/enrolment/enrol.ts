import { randomBytes } from 'node:crypto';
import { toBase64, toHex } from '@assay/core/bytes';
import { nodeCredentials, nodeHasher } from '@assay/core/node';
import { makeCredential } from '@assay/core/tpm';
import type { EnrolReply, EnrolRequest } from '@assay/wire';
import type { Context } from '../context.ts';
import { addEnrolment } from '../store/enrolments.ts';
import { newToken } from '../tokens.ts';
import { refuseDuplicate } from './duplicates.ts';
import { checkKeys, hostIdOf } from './keys.ts';

const LIFETIME_MILLISECONDS = 2 * 60 * 1000;
const SECRET_BYTES = 32;

/**
 * Begins an enrolment: a credential that only the TPM with both keys can open. Nothing is trusted yet.
 * @throws FormatError, VerificationError EK-UNTRUSTED or AK-ATTRIBUTES, RequestProblem HOST-DUPLICATE
 */
export async function enrol(context: Context, request: EnrolRequest): Promise<EnrolReply> {
  const { ek, ak, ekPublic, akPublic } = checkKeys(request);
  const host = hostIdOf(ek);
  await refuseDuplicate(context.database, host, request.name);
  const secret = randomBytes(SECRET_BYTES);
  const credential = makeCredential({ hasher: nodeHasher, credentials: nodeCredentials }, ek, ak.name, secret);
  const now = context.now();
  const expiresAt = new Date(now.getTime() + LIFETIME_MILLISECONDS).toISOString();
  const enrolment = newToken();
  const row = {
    id: enrolment,
    host,
    name: request.name,
    ek_public: ekPublic,
    ak_public: akPublic,
    facts: JSON.stringify(request.facts),
    secret_digest: nodeHasher.digest('sha256', secret),
    expires_at: expiresAt,
    ek_certificates: request.ekCertificates === undefined ? null : JSON.stringify(request.ekCertificates),
  };
  await context.database.transaction().execute((db) => addEnrolment(db, row, now.toISOString()));
  context.log(`enrolment of ${request.name} (${host}) begun, attestation key ${toHex(ak.name)}`);
  return {
    enrolment,
    credentialBlob: toBase64(credential.credentialBlob),
    encryptedSecret: toBase64(credential.encryptedSecret),
    expiresAt,
  };
}
