import { randomBytes } from 'node:crypto';
import { equalBytes } from '@assay/core/bytes';
import { hashAlgorithm } from '@assay/core/hash';
import {
  authorizationResponse,
  CONTINUE_SESSION,
  encode,
  OBJECT,
  TPM_HANDLE,
  type Authorization,
} from '@assay/core/tpm';
import { FIRST_POLICY_SESSION, type Machine } from './machine.ts';
import { aboutSession, RC, Refusal } from './refusal.ts';

/** Checks that each handle may be used; authorization N is for handle N. */
export function authorizeAll(
  machine: Machine,
  handles: readonly number[],
  authorizations: readonly Authorization[],
): void {
  for (const [index, each] of authorizations.entries()) {
    const handle = handles[index];
    if (handle === undefined) throw new Refusal(RC.AUTH_CONTEXT);
    if (each.sessionHandle === TPM_HANDLE.PASSWORD) checkPassword(machine, handle, each, index);
    else checkPolicy(machine, handle, each, index);
  }
}

/** TPMS_AUTH_RESPONSE for each: no session here has a key, so there is no HMAC to answer with. */
export function sessionAnswers(authorizations: readonly Authorization[]): Uint8Array[] {
  return authorizations.map(({ sessionHandle, attributes }) => {
    const nonce = sessionHandle === TPM_HANDLE.PASSWORD ? new Uint8Array(0) : randomBytes(32);
    return encode(authorizationResponse, { nonce, attributes: attributes & CONTINUE_SESSION, hmac: new Uint8Array(0) });
  });
}

/** After a command that succeeded: a policy holds for one use (TPM 2.0 Part 1, clause 19.6.5). */
export function endSessions(machine: Machine, authorizations: readonly Authorization[]): void {
  for (const { sessionHandle, attributes } of authorizations) {
    const session = machine.sessions.get(sessionHandle);
    if (session === undefined) continue;
    session.policyDigest = new Uint8Array(hashAlgorithm(session.hash).size);
    if ((attributes & CONTINUE_SESSION) === 0) machine.sessions.remove(sessionHandle);
  }
}

/** All passwords here are empty. */
function checkPassword(machine: Machine, handle: number, each: Authorization, index: number): void {
  const key = machine.objects.get(handle);
  if (key !== undefined && (key.area.attributes & OBJECT.USER_WITH_AUTH) === 0) throw new Refusal(RC.AUTH_UNAVAILABLE);
  if (each.hmac.length === 0) return;
  const guessingCounts = key !== undefined && (key.area.attributes & OBJECT.NO_DA) === 0;
  throw aboutSession(guessingCounts ? RC.AUTH_FAIL : RC.BAD_AUTH, index);
}

function checkPolicy(machine: Machine, handle: number, each: Authorization, index: number): void {
  if ((each.sessionHandle & 0xff000000) !== FIRST_POLICY_SESSION) throw aboutSession(RC.VALUE, index);
  const session = machine.sessions.get(each.sessionHandle);
  if (session === undefined) throw new Refusal(RC.REFERENCE_S0 + index);
  const policy = machine.objects.get(handle)?.area.authPolicy;
  if (policy === undefined || policy.length === 0 || !equalBytes(session.policyDigest, policy)) {
    throw aboutSession(RC.POLICY_FAIL, index);
  }
}
