import { fromBase64, toBase64, toHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import type { Tpm } from '@assay/linux/tpm';
import { loadState, saveState, type AgentState } from './state.ts';

/** The host's keys in its TPM; `ekPublic` and `akPublic` are TPM2B_PUBLIC. */
export interface HostKeys {
  readonly ekPublic: Uint8Array;
  readonly akPublic: Uint8Array;
  readonly akHandle: number;
  readonly akName: Uint8Array;
  readonly state: AgentState;
}

/**
 * Loads the attestation key that this agent made before in this TPM, or makes one.
 * The endorsement key does not stay loaded: TPMs have room for few objects.
 */
export async function openKeys(tpm: Tpm, statePath: string): Promise<HostKeys> {
  const ek = await tpm.createEndorsementKey();
  try {
    const ekDigest = toHex(nodeHasher.digest('sha256', ek.public));
    const state = (await loadable(tpm, ek.handle, ekDigest, statePath)) ?? (await newState(tpm, ek.handle, ekDigest));
    const akPublic = fromBase64(state.ak.public);
    const ak = await tpm.loadAttestationKey(ek.handle, { public: akPublic, private: fromBase64(state.ak.private) });
    await saveState(statePath, state);
    return { ekPublic: ek.public, akPublic, akHandle: ak.handle, akName: ak.name, state };
  } finally {
    await tpm.flush(ek.handle);
  }
}

async function newState(tpm: Tpm, ekHandle: number, ekDigest: string): Promise<AgentState> {
  const blobs = await tpm.createAttestationKey(ekHandle);
  const ak = { public: toBase64(blobs.public), private: toBase64(blobs.private) };
  return { schema: 'assay.agent-state.v1', ekDigest, ak, enrolment: null };
}

/** The kept state, if its key is of this TPM: a TPM that was cleared keeps no key of before. */
async function loadable(tpm: Tpm, ekHandle: number, ekDigest: string, statePath: string): Promise<AgentState | null> {
  const state = await loadState(statePath);
  if (state === null || state.ekDigest !== ekDigest) return null;
  const blobs = { public: fromBase64(state.ak.public), private: fromBase64(state.ak.private) };
  try {
    const { handle } = await tpm.loadAttestationKey(ekHandle, blobs);
    await tpm.flush(handle);
    return state;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'TPM-RESPONSE') return null;
    throw error;
  }
}

/** Answers the verifier's credential: only a TPM that holds both keys can. */
export async function activate(
  tpm: Tpm,
  akHandle: number,
  credential: { readonly credentialBlob: string; readonly encryptedSecret: string },
): Promise<Uint8Array> {
  const ek = await tpm.createEndorsementKey();
  try {
    const { credentialBlob, encryptedSecret } = credential;
    return await tpm.activateCredential(akHandle, ek.handle, fromBase64(credentialBlob), fromBase64(encryptedSecret));
  } finally {
    await tpm.flush(ek.handle);
  }
}
