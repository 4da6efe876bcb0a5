import { ByteWriter, utf8 } from '../bytes/index.ts';
import type { Hasher } from '../hash/index.ts';
import type { PcrSelection } from '../tpm/index.ts';

/** What the agent says of its host; bound into the quote so that nobody on the way can change it, but not proved. */
export interface HostFacts {
  readonly tpmKind: string;
  readonly listSource: string;
  readonly kernel: string;
  readonly agentVersion: string;
}

export interface Binding {
  /** 32 random bytes from the verifier. */
  readonly nonce: Uint8Array;
  /** The verifier's name for this round. */
  readonly session: string;
  /** Name of the attestation key (TPM 2.0 Part 1, section 16). */
  readonly akName: Uint8Array;
  readonly facts: HostFacts;
  /** The boot event log that comes along, or the word that stands for it; absent where none was asked for. */
  readonly eventLog?: Uint8Array | MissingLog;
}

/** Why a host that was asked for its boot event log sends none. */
export type MissingLog = 'none' | 'unreadable' | 'too-long';

const LABEL = 'assay evidence v1';
/** What the quote covers by which a certified attestation key shows that its host has it: any PCR would do. */
export const POSSESSION_SELECTION: PcrSelection = { bank: 'sha256', pcrs: [10] };

const KEY_LABEL = 'assay key v1';
const POSSESSION_LABEL = 'assay possession v1';

/**
 * `extraData` of the quote: SHA-256 over a label, the nonce, the session, the AK's name and the facts, each with its
 * length (u32, big-endian) in front; then, where a boot event log was asked for, its SHA-256 or the word in its place, since
 * PCRs do not prove all that it says. The list is not among them: it is read after the quote, so that it is never shorter,
 * and the quoted PCR proves it.
 */
export function bindingDigest(hasher: Hasher, binding: Binding): Uint8Array {
  const { tpmKind, listSource, kernel, agentVersion } = binding.facts;
  const facts = [tpmKind, listSource, kernel, agentVersion].map(utf8);
  return bound(hasher, LABEL, binding, [...facts, ...eventLogPart(hasher, binding.eventLog)]);
}

function eventLogPart(hasher: Hasher, eventLog: Binding['eventLog']): Uint8Array[] {
  if (eventLog === undefined) return [];
  return [typeof eventLog === 'string' ? utf8(eventLog) : hasher.digest('sha256', eventLog)];
}

/**
 * `extraData` of a quote that binds a key of the host to its attestation key; another label, so that it is never evidence.
 * @param key SubjectPublicKeyInfo in DER
 */
export function keyBindingDigest(hasher: Hasher, binding: Omit<Binding, 'facts'>, key: Uint8Array): Uint8Array {
  return bound(hasher, KEY_LABEL, binding, [key]);
}

/**
 * `extraData` of what an attestation key signs when its host enrols by the certificate of that key: nothing else shows that
 * the host has it, since only a trusted endorsement key proves a key that its TPM activated.
 * @param binding.nonce the secret of the credential
 * @param binding.session identifier of the enrolment
 */
export function possessionDigest(hasher: Hasher, binding: Omit<Binding, 'facts'>): Uint8Array {
  return bound(hasher, POSSESSION_LABEL, binding, []);
}

function bound(
  hasher: Hasher,
  label: string,
  { nonce, session, akName }: Omit<Binding, 'facts'>,
  parts: readonly Uint8Array[],
): Uint8Array {
  const writer = new ByteWriter();
  for (const part of [utf8(label), nonce, utf8(session), akName, ...parts]) writer.u32(part.length).bytes(part);
  return hasher.digest('sha256', writer.finish());
}
