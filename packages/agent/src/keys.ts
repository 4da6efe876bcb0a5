import { randomBytes } from 'node:crypto';
import { fromBase64, toBase64, toHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { parsePublic, TpmResponseError, type EkTemplateName } from '@assay/core/tpm';
import type { Tpm } from '@assay/linux/tpm';
import { checkKind, cloudKey, kindOf, loadCloudKey, type AttestationKeyKind } from './cloud-key.ts';
import { certifiedTemplate, endorsementKey, sentCertificates } from './endorsement.ts';
import { loadState, saveState, type AgentState, type AkBlobs, type Enrolment, type NextKey } from './state.ts';

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
 * @param wanted by default the kind of key that is kept
 * @returns null where the host is enrolled with a key that this TPM, which is the same, does not load: it needs another
 * @throws SystemError AGENT-STATE where the host is enrolled with a key of another kind
 */
export async function openKeys(tpm: Tpm, statePath: string, wanted?: AttestationKeyKind): Promise<HostKeys | null> {
  const kept = await keptState(statePath, wanted);
  const kind = wanted ?? (kept === null ? 'own' : kindOf(kept));
  const found = kept === null ? null : await keptKeys(tpm, kept);
  const isEnrolled = (kept?.enrolment ?? null) !== null;
  if (found === 'lost' && isEnrolled) return null;
  if (found !== null && found !== 'lost') return found; // The file stays as it is: one that is written is measured anew.
  const keys = await newKeys(tpm, kind);
  await saveState(statePath, keys.state);
  return keys;
}

/** Null where it is of no use: keys of another kind that nobody knows yet. */
async function keptState(statePath: string, wanted: AttestationKeyKind | undefined): Promise<AgentState | null> {
  const kept = await loadState(statePath);
  checkKind(kept, wanted, statePath);
  return kept === null || wanted === undefined || kindOf(kept) === wanted ? kept : null;
}

/** @returns null for a TPM that was cleared, or another, which keeps no key of before */
async function keptKeys(tpm: Tpm, state: AgentState): Promise<HostKeys | 'lost' | null> {
  return underKeptEk(tpm, state, async (ek) => (await unlessRefused(load(tpm, ek, state))) ?? 'lost');
}

/** An attestation key that is kept nowhere yet. */
export async function newKeys(tpm: Tpm, kind: AttestationKeyKind = 'own'): Promise<HostKeys> {
  const ekTemplate = await certifiedTemplate(tpm);
  return withEk(tpm, ekTemplate, async (ek) => {
    const ak = kind === 'own' ? await newAk(tpm, ek) : await cloudKey(tpm, kind);
    const named = ekTemplate === undefined ? {} : { ekTemplate };
    const state = { schema: 'assay.agent-state.v1', ekDigest: digestOf(ek), ...named, ak, enrolment: null } as const;
    const keys = await load(tpm, ek, state);
    if (keys !== null) return keys;
    throw new SystemError('TPM-RESPONSE', `the TPM made two different attestation keys as ${kind}`);
  });
}

/** The keys of a host whose attestation key gives way to another of the same TPM, and that key with its token. */
export interface NextKeys {
  readonly keys: HostKeys;
  readonly enrolment: Enrolment;
  readonly next: NextKey;
}

/**
 * The attestation key that shall take the place of the one in use. It is kept before anybody hears of it, and stays the same
 * until the verifier has it: whatever is interrupted goes on with it.
 * @returns null where the host is not enrolled, or has another TPM, or a key that its cloud certified
 */
export async function nextKeys(tpm: Tpm, statePath: string): Promise<NextKeys | null> {
  const kept = await loadState(statePath);
  const enrolment = kept?.enrolment ?? null;
  if (kept === null || enrolment === null || kindOf(kept) !== 'own') return null;
  return underKeptEk(tpm, kept, async (ek) => {
    const before = enrolment.next;
    const loaded = before === undefined ? null : await unlessRefused(loadOwn(tpm, ek, kept, before.ak));
    if (before !== undefined && loaded !== null) return { keys: loaded, enrolment, next: before };
    const next = { ak: await newAk(tpm, ek), token: randomBytes(32).toString('base64url') };
    const state = { ...kept, enrolment: { ...enrolment, next } };
    await saveState(statePath, state);
    return { keys: await loadOwn(tpm, ek, state, next.ak), enrolment, next };
  });
}

interface LoadedEk {
  readonly handle: number;
  readonly public: Uint8Array;
}

async function newAk(tpm: Tpm, ek: LoadedEk): Promise<AkBlobs> {
  const blobs = await tpm.createAttestationKey(ek.handle);
  return { public: toBase64(blobs.public), private: toBase64(blobs.private) };
}

/** With the endorsement key that the state is of. @returns null where the TPM has another */
async function underKeptEk<T>(
  tpm: Tpm,
  { ekTemplate, ekDigest }: AgentState,
  use: (ek: LoadedEk) => T | Promise<T>,
): Promise<T | null> {
  const ek = await unlessRefused(endorsementKey(tpm, ekTemplate));
  if (ek === null) return null;
  return tpm.using(ek.handle, async () => (digestOf(ek) === ekDigest ? use(ek) : null));
}

/** Format-one codes are about what the command was given (TPM 2.0 Part 2, clause 6.6.2); others may pass. */
const FORMAT_ONE = 0x80;

async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TpmResponseError && (error.responseCode & FORMAT_ONE) !== 0) return null;
    throw error;
  }
}

async function withEk<T>(
  tpm: Tpm,
  template: EkTemplateName | undefined,
  use: (ek: LoadedEk) => T | Promise<T>,
): Promise<T> {
  const ek = await endorsementKey(tpm, template);
  return tpm.using(ek.handle, async () => use(ek));
}

function digestOf(ek: LoadedEk): string {
  return toHex(nodeHasher.digest('sha256', ek.public));
}

/** @returns null where the cloud put another key into this TPM */
async function load(tpm: Tpm, ek: LoadedEk, state: AgentState): Promise<HostKeys | null> {
  if (!('certified' in state.ak)) return loadOwn(tpm, ek, state, state.ak);
  const ak = await loadCloudKey(tpm, state.ak.certified, state.ak);
  return ak && { ekPublic: ek.public, akPublic: ak.public, akHandle: ak.handle, akName: ak.name, state };
}

async function loadOwn(tpm: Tpm, ek: LoadedEk, state: AgentState, blobs: AkBlobs): Promise<HostKeys> {
  const akPublic = fromBase64(blobs.public);
  const ak = await tpm.loadAttestationKey(ek.handle, { public: akPublic, private: fromBase64(blobs.private) });
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
