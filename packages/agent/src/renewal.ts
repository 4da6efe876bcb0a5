import { ProblemError, ROUTES, type ApiClient } from '@assay/wire';
import { BackOff } from './back-off.ts';
import { kindOf } from './cloud-key.ts';
import { challengeBy, enrolAnew, prove } from './enrolment.ts';
import { newKeys, nextKeys, type HostKeys, type NextKeys } from './keys.ts';
import type { AgentOptions } from './options.ts';
import { loadState, saveState, type AgentState, type NextKey } from './state.ts';

/**
 * Learns which of two keys the verifier has, after a renewal that was interrupted: it knows the token of one of them.
 * @param client to the verifier, with any token
 */
export async function settle(statePath: string, client: ApiClient): Promise<void> {
  const state = await loadState(statePath);
  if (state?.enrolment?.next === undefined) return;
  const { hostId, next } = state.enrolment;
  if ((await challengeBy(client, next.token)) !== null) await saveState(statePath, withNext(state, hostId, next));
}

/** The state once the verifier has the next key. */
function withNext(state: AgentState, hostId: string, { ak, token }: NextKey): AgentState {
  return { ...state, ak, enrolment: { hostId, token } };
}

/**
 * Gives the host another attestation key under the endorsement key that it has, by its own token; where it is not enrolled, or
 * has another TPM, it enrols with new keys.
 * @param joining calls with the join token
 * @returns its id at the verifier
 */
export async function renewAttestationKey(options: AgentOptions, joining: ApiClient): Promise<string> {
  const { tpm, statePath } = options;
  options.onPhase?.({ phase: 'renewing' });
  await settle(statePath, joining);
  const next = await nextKeys(tpm, statePath);
  if (next !== null) return tpm.using(next.keys.akHandle, () => replaceKey(options, next, joining));
  const kept = await loadState(statePath);
  const keys = await newKeys(tpm, options.attestationKey ?? (kept === null ? 'own' : kindOf(kept)));
  return tpm.using(keys.akHandle, async () => (await enrolAnew(options, keys, joining)).hostId);
}

async function replaceKey(
  options: AgentOptions,
  { keys, enrolment: { hostId, token }, next }: NextKeys,
  joining: ApiClient,
): Promise<string> {
  const state = withNext(keys.state, hostId, next);
  if (!(await isTaken(options, keys, joining.withToken(token), next))) {
    return (await enrolAnew(options, { ...keys, state }, joining)).hostId;
  }
  await saveState(options.statePath, state);
  return hostId;
}

/** @returns false where the verifier has forgotten the host */
async function isTaken(options: AgentOptions, keys: HostKeys, client: ApiClient, next: NextKey): Promise<boolean> {
  try {
    await prove(options, keys, client, { path: ROUTES.renewKey, token: next.token });
    return true;
  } catch (error) {
    if (!(error instanceof ProblemError && error.problem.status === 401)) throw error;
    return (await challengeBy(client, next.token)) !== null; // An earlier attempt may have come through meanwhile.
  }
}

const FIRST_WAIT_MILLISECONDS = 60_000;
const LAST_WAIT_MILLISECONDS = 3_600_000;

/** Renews the key where the verifier asks for it. A renewal that fails ends nothing: the key of before is good, and evidence goes on. */
export class Renewer {
  readonly #waits = new BackOff(FIRST_WAIT_MILLISECONDS, LAST_WAIT_MILLISECONDS);
  #notBefore = 0;

  isDue(): boolean {
    return performance.now() >= this.#notBefore;
  }

  async renew(options: AgentOptions, joining: ApiClient): Promise<void> {
    try {
      await renewAttestationKey(options, joining);
      this.#waits.reset();
    } catch (error) {
      const milliseconds = this.#waits.next();
      this.#notBefore = performance.now() + milliseconds;
      const reason = error instanceof Error ? error : new Error(String(error));
      options.onPhase?.({ phase: 'not-renewed', error: reason, milliseconds });
    }
  }
}
