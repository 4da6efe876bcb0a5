import { toBase64, toHex } from '@assay/core/bytes';
import { ActivateReply, Challenge, EnrolReply, ProblemError, route, ROUTES, type ApiClient } from '@assay/wire';
import { activate, certificatesFor, type HostKeys } from './keys.ts';
import type { AgentOptions } from './options.ts';
import { saveState, type AgentState } from './state.ts';

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
  return (await resumed(keys, joining)) ?? (await enrolBy(joining, ROUTES.enrol, options, keys));
}

async function resumed({ state }: HostKeys, joining: ApiClient): Promise<Enrolled | null> {
  if (state.enrolment === null) return null;
  const client = joining.withToken(state.enrolment.token);
  try {
    const challenge = await client.call(ROUTES.challenge, Challenge, { body: {} });
    return { client, hostId: state.enrolment.hostId, challenge };
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 401) return null;
    throw error;
  }
}

/**
 * Enrols with other keys than those that are kept: by the token of the host while the verifier knows it and the TPM is the
 * same, else as a new one.
 */
export async function enrolAgain(
  options: AgentOptions,
  keys: HostKeys,
  joining: ApiClient,
  kept: AgentState | null,
): Promise<Enrolled> {
  const token = kept?.ekDigest === keys.state.ekDigest ? kept.enrolment?.token : undefined;
  if (token === undefined) return enrolBy(joining, ROUTES.enrol, options, keys);
  try {
    return await enrolBy(joining.withToken(token), ROUTES.renewKey, options, keys);
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 401)
      return enrolBy(joining, ROUTES.enrol, options, keys);
    throw error;
  }
}

async function enrolBy(client: ApiClient, path: string, options: AgentOptions, keys: HostKeys): Promise<Enrolled> {
  options.onPhase?.({ phase: 'enrolling' });
  const credential = await client.call(path, EnrolReply, {
    body: {
      name: options.name,
      ekPublic: toBase64(keys.ekPublic),
      akPublic: toBase64(keys.akPublic),
      facts: options.facts,
      ekCertificates: await certificatesFor(options.tpm, keys),
    },
  });
  const secret = await activate(options.tpm, keys, credential);
  const answer = route(ROUTES.activate, credential.enrolment);
  const { hostId, token, challenge } = await client.call(answer, ActivateReply, { body: { secret: toHex(secret) } });
  await saveState(options.statePath, { ...keys.state, enrolment: { hostId, token } });
  return { client: client.withToken(token), hostId, challenge };
}
