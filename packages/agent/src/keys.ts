import { fromBase64, toBase64, toHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { parsePublic, type EkTemplateName } from '@assay/core/tpm';
import type { Tpm } from '@assay/linux/tpm';
import { certifiedTemplate, endorsementKey, sentCertificates } from './endorsement.ts';
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
  const kept = await loadState(statePath);
  const keys = (kept === null ? null : await keptKeys(tpm, kept)) ?? (await newKeys(tpm));
  if (keys.state !== kept) await saveState(statePath, keys.state); // A file that is written is measured anew.
  return keys;
}

/** A TPM that was cleared, or another, keeps no key of before. */
async function keptKeys(tpm: Tpm, state: AgentState): Promise<HostKeys | null> {
  try {
    return await withEk(tpm, state.ekTemplate, (ek) => (digestOf(ek) === state.ekDigest ? load(tpm, ek, state) : null));
  } catch (error) {
    if (error instanceof SystemError && error.code === 'TPM-RESPONSE') return null;
    throw error;
  }
}

/** An attestation key that is kept nowhere yet. */
export async function newKeys(tpm: Tpm): Promise<HostKeys> {
  const ekTemplate = await certifiedTemplate(tpm);
  return withEk(tpm, ekTemplate, async (ek) => {
    const blobs = await tpm.createAttestationKey(ek.handle);
    const ak = { public: toBase64(blobs.public), private: toBase64(blobs.private) };
    const named = ekTemplate === undefined ? {} : { ekTemplate };
    return load(tpm, ek, {
      schema: 'assay.agent-state.v1',
      ekDigest: digestOf(ek),
      ...named,
      ak,
      enrolment: null,
    });
  });
}

interface LoadedEk {
  readonly handle: number;
  readonly public: Uint8Array;
}

async function withEk<T>(
  tpm: Tpm,
  template: EkTemplateName | undefined,
  use: (ek: LoadedEk) => T | Promise<T>,
): Promise<T> {
  const ek = await endorsementKey(tpm, template);
  try {
    return await use(ek);
  } finally {
    await tpm.flush(ek.handle);
  }
}

function digestOf(ek: LoadedEk): string {
  return toHex(nodeHasher.digest('sha256', ek.public));
}

async function load(tpm: Tpm, ek: LoadedEk, state: AgentState): Promise<HostKeys> {
  const akPublic = fromBase64(state.ak.public);
  const ak = await tpm.loadAttestationKey(ek.handle, { public: akPublic, private: fromBase64(state.ak.private) });
  return { ekPublic: ek.public, akPublic, akHandle: ak.handle, akName: ak.name, state };
}

/** Answers the verifier's credential: only a TPM that holds both keys can. */
export async function activate(
  tpm: Tpm,
  { akHandle, state }: HostKeys,
  { credentialBlob, encryptedSecret }: { readonly credentialBlob: string; readonly encryptedSecret: string },
): Promise<Uint8Array> {
  return withEk(tpm, state.ekTemplate, (ek) =>
    tpm.activateCredential(akHandle, ek.handle, fromBase64(credentialBlob), fromBase64(encryptedSecret)),
  );
}

/** What vouches for the endorsement key, as it is sent. */
export function certificatesFor(tpm: Tpm, { ekPublic, state }: HostKeys): Promise<string[]> {
  const template = state.ekTemplate ?? (parsePublic(ekPublic).type === 'ecc' ? 'L-2' : 'L-1');
  return sentCertificates(tpm, template);
}
