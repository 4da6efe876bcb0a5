import { equalBytes, fromBase64, toBase64 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { POSSESSION_SELECTION, possessionDigest } from '@assay/core/evidence';
import { nodeHasher } from '@assay/core/node';
import { openCloudKey, readCloudCertificates, type CloudKeyName, type LoadedObject, type Tpm } from '@assay/linux/tpm';
import { EK_CERTIFICATE_LIMIT, EK_CERTIFICATES_LIMIT, type ActivateRequest } from '@assay/wire';
import { quotedEvidence } from './quote.ts';
import type { AgentState } from './state.ts';

/** Which attestation key a host has: one that its agent made, or one that its cloud certified. */
export type AttestationKeyKind = 'own' | CloudKeyName;

export function kindOf({ ak }: Pick<AgentState, 'ak'>): AttestationKeyKind {
  return 'certified' in ak ? ak.certified : 'own';
}

/** How such a key is kept: which it is, and its public area, by which another one is told from it. */
export async function cloudKey(tpm: Tpm, name: CloudKeyName): Promise<AgentState['ak']> {
  const key = await openCloudKey(tpm, name);
  return tpm.using(key.handle, async () => ({ certified: name, public: toBase64(key.public) }));
}

/** The key that was kept. @returns null where the TPM has another by now */
export async function loadCloudKey(
  tpm: Tpm,
  name: CloudKeyName,
  kept: { readonly public: string },
): Promise<LoadedObject | null> {
  const key = await openCloudKey(tpm, name);
  if (equalBytes(key.public, fromBase64(kept.public))) return key;
  return tpm.using(key.handle, async () => null);
}

/** What vouches for the attestation key, as it is sent; nothing of it is checked. @throws SystemError TPM-RESPONSE */
export async function akCertificatesFor(tpm: Tpm, state: AgentState): Promise<string[]> {
  const kind = kindOf(state);
  if (kind === 'own') return [];
  const found = await readCloudCertificates(tpm, kind);
  return found
    .filter((der) => der.length <= EK_CERTIFICATE_LIMIT)
    .slice(0, EK_CERTIFICATES_LIMIT)
    .map(toBase64);
}

/** What a key that the cloud certified signs to show that this host has it, for the answer to the credential. */
export async function possessionOf(
  tpm: Tpm,
  { state, akHandle, akName }: { readonly state: AgentState; readonly akHandle: number; readonly akName: Uint8Array },
  enrolment: string,
  secret: Uint8Array,
): Promise<Pick<ActivateRequest, 'possession'>> {
  if (kindOf(state) === 'own') return {};
  const extraData = possessionDigest(nodeHasher, { nonce: secret, session: enrolment, akName });
  return { possession: await quotedEvidence(tpm, akHandle, extraData, POSSESSION_SELECTION) };
}

/**
 * A host keeps the attestation key that it is enrolled with.
 * @throws SystemError AGENT-STATE where another one is wanted
 */
export function checkKind(kept: AgentState | null, wanted: AttestationKeyKind | undefined, statePath: string): void {
  if (kept === null || kept.enrolment === null || wanted === undefined || kindOf(kept) === wanted) return;
  throw new SystemError(
    'AGENT-STATE',
    `${statePath}: the host is enrolled with the attestation key ${kindOf(kept)}, and ${wanted} is wanted. ` +
      'Move the file away, and the host enrols with that one.',
  );
}

/** @throws SystemError AGENT-STATE */
export function refuseRenewal(kept: AgentState | null, statePath: string): void {
  if (kept === null || kindOf(kept) === 'own') return;
  throw new SystemError(
    'AGENT-STATE',
    `${statePath}: the attestation key is the one that the cloud certified (${kindOf(kept)}). It is the same each time, ` +
      'so no other one can take its place.',
  );
}
