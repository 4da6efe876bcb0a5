import { fromBase64, fromHex } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { verifyEvidence, type EvidenceInput, type EvidenceResult, type SentBefore } from '@assay/core/evidence';
import { nodeCrypto } from '@assay/core/node';
import type { VerifiedAttestationKey } from '@assay/core/tpm';
import type { EvidenceMessage } from '@assay/wire';
import { selectionTo, type Kept } from '../hosts/kept.ts';
import type { OpenChallenge } from '../store/challenges.ts';

/** Evidence in answer to a challenge that was this host's, open and unused. */
export function verifyMessage(
  message: EvidenceMessage,
  ak: VerifiedAttestationKey,
  challenge: OpenChallenge,
  kept: Kept | null,
  sentBefore: SentBefore | undefined,
): EvidenceResult {
  try {
    return verifyEvidence(
      {
        ak,
        nonce: fromHex(challenge.nonce),
        session: challenge.session,
        selection: [selectionTo(challenge.lastPcr)],
        facts: message.facts,
        ...eventLogOf(message),
        message: base64Bytes(message.quote.message),
        signature: base64Bytes(message.quote.signature),
        pcrs: pcrValues(message.pcrs),
        list: {
          bank: message.list.bank,
          fromEntry: message.list.fromEntry,
          fromOffset: message.list.fromOffset,
          bytes: base64Bytes(message.list.entries),
          ...(message.list.continues === true ? { sentBefore: sentBefore ?? null } : {}),
          trimmed: message.list.trimmed,
        },
        kept: kept?.state ?? null,
      },
      nodeCrypto,
    );
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const unreadable = new VerificationError('EVIDENCE-FORMAT', `${error.code}: ${error.message}`, error.place);
    return { ok: false, errors: [unreadable] };
  }
}

function eventLogOf({ eventLog }: EvidenceMessage): Pick<EvidenceInput, 'eventLog'> {
  if (eventLog === undefined) return {};
  return { eventLog: 'missing' in eventLog ? eventLog.missing : base64Bytes(eventLog.bytes) };
}

/** Node reads it in one go, a list of tens of megabytes too, and ours says what is wrong. @throws FormatError TEXT-BASE64 */
function base64Bytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : fromBase64(text);
}

/** @throws FormatError TEXT-HEX for an index with leading zeros, which could name one PCR twice */
export function pcrValues(values: EvidenceMessage['pcrs']): Map<number, Uint8Array> {
  return new Map(
    Object.entries(values).map(([index, value]) => {
      const pcr = Number(index);
      if (String(pcr) !== index) throw new FormatError('TEXT-HEX', `PCR index ${index} has leading zeros`);
      return [pcr, fromHex(value)];
    }),
  );
}
