import { fromBase64, toBase64 } from '../bytes/index.ts';
import { preAuthEncoding } from '../dsse/index.ts';
import { FormatError } from '../errors/index.ts';
import { FIELDS, isRecord, list, record, text } from './fields.ts';

/** Type of the payload: the last line of a baseline before the signature. */
const PAYLOAD_TYPE = 'application/vnd.assay.baseline-end+json';
const MOST_SIGNATURES = 16;

/** One signature of an envelope of DSSE 1.0.2 (github.com/secure-systems-lab/dsse). */
export interface EnvelopeSignature {
  /** A hint that is not signed: the key id of IMA labels in hexadecimal. */
  readonly keyid: string;
  readonly sig: Uint8Array;
}

/** What is signed. */
export function signedBytes(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return preAuthEncoding(PAYLOAD_TYPE, payload);
}

/** The envelope as a line, without its end. */
export function encodeEnvelope(payload: Uint8Array, signatures: readonly EnvelopeSignature[]): string {
  return JSON.stringify({
    payload: toBase64(payload),
    payloadType: PAYLOAD_TYPE,
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: toBase64(sig) })),
  });
}

/**
 * @param payload that it must hold
 * @throws FormatError BASELINE-FORM, TEXT-BASE64
 */
export function parseEnvelope(line: string, payload: Uint8Array): EnvelopeSignature[] {
  const fields = record(line);
  const values = list(fields, 'signatures');
  if (values.length === 0 || values.length > MOST_SIGNATURES) {
    throw new FormatError('BASELINE-FORM', `an envelope has 1 to ${MOST_SIGNATURES} signatures`);
  }
  const signatures = values.map(signatureOf);
  if (encodeEnvelope(payload, signatures) === line) return signatures;
  throw new FormatError(
    'BASELINE-FORM',
    'the envelope holds another payload, or is not in the one form that is written',
  );
}

function signatureOf(value: unknown): EnvelopeSignature {
  if (!isRecord(value)) throw new FormatError('BASELINE-FORM', 'signatures holds no objects');
  return { keyid: text(value, 'keyid', /^[0-9a-f]{8}$/), sig: fromBase64(text(value, 'sig', FIELDS.any)) };
}
