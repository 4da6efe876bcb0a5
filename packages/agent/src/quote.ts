import { toBase64, toHex } from '@assay/core/bytes';
import type { PcrSelection } from '@assay/core/tpm';
import { quoteWithValues, type Tpm } from '@assay/linux/tpm';
import type { EvidenceMessage } from '@assay/wire';

type Quoted = Pick<EvidenceMessage, 'quote' | 'pcrs'>;

/**
 * A quote by the attestation key of the agent, which signs SHA-256, and the PCR values that it covers, as they are sent.
 * @throws SystemError as `quoteWithValues` of @assay/linux/tpm
 */
export async function quotedEvidence(
  tpm: Tpm,
  akHandle: number,
  extraData: Uint8Array,
  selection: PcrSelection,
): Promise<Quoted> {
  const ak = { handle: akHandle, hash: 'sha256' } as const;
  const { message, signature, values } = await quoteWithValues(tpm, ak, extraData, [selection]);
  const ofBank = [...(values.get(selection.bank) ?? [])];
  const pcrs = Object.fromEntries(ofBank.map(([pcr, value]) => [String(pcr), toHex(value)]));
  return { quote: { message: toBase64(message), signature: toBase64(signature) }, pcrs };
}
