import { equalBytes, toBase64, toHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { parseAttest, pcrComposite, type PcrSelection } from '@assay/core/tpm';
import type { Tpm } from '@assay/linux/tpm';
import type { EvidenceMessage } from '@assay/wire';

/** A PCR that is extended between reading and quoting spoils the pair; even a busy host leaves room for one of these. */
const ATTEMPTS = 20;

type Quoted = Pick<EvidenceMessage, 'quote' | 'pcrs'>;

/**
 * A quote and the PCR values that it covers.
 * @throws SystemError TPM-RESPONSE when the PCRs do not stand still long enough
 */
export async function quoteWithValues(
  tpm: Tpm,
  akHandle: number,
  extraData: Uint8Array,
  selection: PcrSelection,
): Promise<Quoted> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const values = await tpm.readPcrs(selection.bank, selection.pcrs);
    const { message, signature } = await tpm.quote(akHandle, extraData, [selection]);
    if (!covers(message, selection, values)) continue;
    const pcrs = Object.fromEntries(Array.from(values, ([pcr, value]) => [String(pcr), toHex(value)]));
    return { quote: { message: toBase64(message), signature: toBase64(signature) }, pcrs };
  }
  throw new SystemError('TPM-RESPONSE', `the PCRs changed during each of ${ATTEMPTS} quotes`);
}

/** The attestation key of the agent signs SHA-256, so that is the hash of the composite too. */
function covers(message: Uint8Array, selection: PcrSelection, values: ReadonlyMap<number, Uint8Array>): boolean {
  const { attested } = parseAttest(message);
  const composite = pcrComposite(nodeHasher, 'sha256', [selection], new Map([[selection.bank, values]]));
  return attested.kind === 'quote' && equalBytes(attested.pcrDigest, composite);
}
