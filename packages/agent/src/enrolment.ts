import { toBase64, toHex } from '@assay/core/bytes';
import {
  ActivateReply,
  Challenge,
  EnrolReply,
  ProblemError,
  route,
  ROUTES,
  type ApiClient,
  type EnrolRequest,
} from '@assay/wire';
import { akCertificatesFor, possessionOf } from './cloud-key.ts';
import { activate, certificatesFor, type HostKeys } from './keys.ts';
import type { AgentOptions } from './options.ts';
import { saveState } from './state.ts';

export interface Enrolled {
  /** Calls in this host's name. */
  readonly client: ApiClient;
  readonly hostId: string;
  readonly challenge: Challenge;
}

/**
 * Goes on with the enrolment that is kept, or enrols; the verifier may have forgotten the host.
 * @param joining calls with the join token
 */
export async function enrol(options: AgentOptions, keys: HostKeys, joining: ApiClient): Promise<Enrolled> {
  const { enrolment } = keys.state;
  const challenge = enrolment === null ? null : await challengeBy(joining, enrolment.token);
  if (enrolment === null || challenge === null) return enrolAnew(options, keys, joining);
  return { client: joining.withToken(enrolment.token), hostId: enrolment.hostId, challenge };
}

/** @returns null where the verifier knows no host by this token */
export async function challengeBy(client: ApiClient, token: string): Promise<Challenge | null> {
  try {
    return await client.withToken(token).call(ROUTES.challenge, Challenge, { body: {} });
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 401) return null;
    throw error;
  }
}

/** Enrols with the join token, or a registered endorsement key, and keeps these keys with what came of it. */
export async function enrolAnew(options: AgentOptions, keys: HostKeys, joining: ApiClient): Promise<Enrolled> {
  options.onPhase?.({ phase: 'enrolling' });
  const ekCertificates = await certificatesFor(options.tpm, keys);
  const akCertificates = await akCertificatesFor(options.tpm, keys.state);
  const vouching = { ekCertificates, ...(akCertificates.length > 0 && { akCertificates }) };
  const { hostId, token, challenge } = await prove(options, keys, joining, { path: ROUTES.enrol, vouching });
  await saveState(options.statePath, { ...keys.state, enrolment: { hostId, token } });
  return { client: joining.withToken(token), hostId, challenge };
}

interface Proving {
  readonly path: string;
  /** Certificates of the keys. */
  readonly vouching?: Pick<EnrolRequest, 'ekCertificates' | 'akCertificates'>;
  /** The token that the host wants; by default the verifier chooses. */
  readonly token?: string;
}

/** Proves that the TPM holds both keys. */
export async function prove(
  { tpm, name, facts }: AgentOptions,
  keys: HostKeys,
  client: ApiClient,
  { path, vouching, token }: Proving,
): Promise<ActivateReply> {
  const [ekPublic, akPublic] = [toBase64(keys.ekPublic), toBase64(keys.akPublic)];
  const body = { name, ekPublic, akPublic, facts, ...vouching };
  const credential = await client.call(path, EnrolReply, { body });
  const secret = await activate(tpm, keys, credential);
  const possession = await possessionOf(tpm, keys, credential.enrolment, secret);
  const answer = route(ROUTES.activate, credential.enrolment);
  return client.call(answer, ActivateReply, {
    body: { secret: toHex(secret), ...possession, ...(token !== undefined && { token }) },
  });
}
