import { ByteWriter, utf8 } from '../bytes/index.ts';
import type { Hasher } from '../hash/index.ts';

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
}

const LABEL = 'assay evidence v1';

/**
 * `extraData` of the quote: SHA-256 over a label, the nonce, the session, the AK's name and the facts, each with its
 * length (u32, big-endian) in front. The list is not among them: it is read after the quote, so that it is never
 * shorter, and the quoted PCR proves it.
 */
export function bindingDigest(hasher: Hasher, binding: Binding): Uint8Array {
  const { tpmKind, listSource, kernel, agentVersion } = binding.facts;
  const texts = [tpmKind, listSource, kernel, agentVersion].map(utf8);
  const writer = new ByteWriter();
  for (const part of [utf8(LABEL), binding.nonce, utf8(binding.session), binding.akName, ...texts]) {
    writer.u32(part.length).bytes(part);
  }
  return hasher.digest('sha256', writer.finish());
}
