import { randomBytes } from 'node:crypto';
import { ByteWriter, equalBytes } from '@assay/core/bytes';
import { hashAlgorithm } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { policySecret, startAuthSession, TPM_HANDLE, TPM_SE, TPM_ST } from '@assay/core/tpm';
import { handler, type Handler } from './handler.ts';
import { aboutHandle, aboutParameter, RC } from './refusal.ts';

const MIN_NONCE = 16;

export const sessionCommands: readonly Handler[] = [
  // Only policy sessions without salt, binding and encryption.
  handler(startAuthSession, ['null', 'null'], (machine, input) => {
    if (input.nonceCaller.length < MIN_NONCE) throw aboutParameter(RC.SIZE, 0);
    if (input.encryptedSalt.length > 0) throw aboutParameter(RC.VALUE, 1);
    if (input.sessionType !== TPM_SE.POLICY) throw aboutParameter(RC.VALUE, 2);
    if (input.symmetric !== null) throw aboutParameter(RC.SYMMETRIC, 3);
    const size = hashAlgorithm(input.authHash).size;
    const nonceTpm = randomBytes(size);
    const session = { hash: input.authHash, nonceTpm, policyDigest: new Uint8Array(size) };
    return { sessionHandle: machine.sessions.add(session), nonceTpm };
  }),
  // The entity is the endorsement hierarchy; no limits to one command or to a time.
  handler(policySecret, ['hierarchy', 'policy-session'], (machine, input) => {
    const session = machine.sessions.get(input.policySession);
    if (session === undefined) throw aboutHandle(RC.HANDLE, 1);
    if (input.nonceTpm.length > 0 && !equalBytes(input.nonceTpm, session.nonceTpm)) throw aboutParameter(RC.NONCE, 0);
    if (input.cpHashA.length > 0) throw aboutParameter(RC.SIZE, 1);
    if (input.expiration !== 0) throw aboutParameter(RC.VALUE, 3);
    // TPM 2.0 Part 3, clause 23.2.3: PolicyUpdate().
    const entity = new ByteWriter().u32(policySecret.code).u32(input.authHandle).finish();
    const step = nodeHasher.digest(session.hash, session.policyDigest, entity);
    session.policyDigest = nodeHasher.digest(session.hash, step, input.policyRef);
    const none = new Uint8Array(0);
    return { timeout: none, policyTicket: { tag: TPM_ST.AUTH_SECRET, hierarchy: TPM_HANDLE.NULL, digest: none } };
  }),
];
