import { concat, fromBase64, isMembers, strictJson, toBase64, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';

/** A signature of an envelope. */
export interface EnvelopeSignature {
  /** A hint that is not signed. */
  readonly keyid?: string;
  readonly sig: Uint8Array;
}

/** An envelope of DSSE 1.0.2 (github.com/secure-systems-lab/dsse). Parsed only. */
export interface ParsedEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signatures: readonly EnvelopeSignature[];
}

const MOST_SIGNATURES = 16;
const MOST_BYTES = 512 * 1024 * 1024;
const TYPE = /^[!-~]{1,200}$/;

/** What is signed: the pre-authentication encoding. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([utf8(`DSSEv1 ${utf8(payloadType).length} ${payloadType} ${payload.length} `), payload]);
}

export function encodeEnvelope({ payloadType, payload, signatures }: ParsedEnvelope): string {
  return JSON.stringify({
    payload: toBase64(payload),
    payloadType,
    signatures: signatures.map(({ keyid, sig }) => ({
      ...(keyid === undefined ? {} : { keyid }),
      sig: toBase64(sig),
    })),
  });
}

/** Whether a text may be an envelope, and not what an envelope holds. */
export function looksLikeEnvelope(value: unknown): boolean {
  return isMembers(value) && Object.hasOwn(value, 'payloadType');
}

/** @throws FormatError ENVELOPE-FORM, TEXT-BASE64, BYTES-LIMIT */
export function parseEnvelope(bytes: Uint8Array): ParsedEnvelope {
  if (bytes.length > MOST_BYTES) throw new FormatError('BYTES-LIMIT', `an envelope of ${bytes.length} bytes`);
  const value = strictJson(bytes, 'ENVELOPE-FORM');
  if (!isMembers(value)) throw wrong('the text is no object');
  const { payload, payloadType, signatures } = value;
  if (typeof payload !== 'string') throw wrong('payload is no text');
  if (typeof payloadType !== 'string' || !TYPE.test(payloadType)) throw wrong('payloadType is no media type');
  if (!Array.isArray(signatures)) throw wrong('signatures is no list');
  if (signatures.length === 0 || signatures.length > MOST_SIGNATURES) {
    throw wrong(`there are not 1 to ${MOST_SIGNATURES} signatures`);
  }
  return { payloadType, payload: fromBase64(payload), signatures: signatures.map(signatureOf) };
}

function signatureOf(value: unknown): EnvelopeSignature {
  if (!isMembers(value)) throw wrong('signatures holds no objects');
  const { keyid, sig } = value;
  if (typeof sig !== 'string' || sig.length > 16_384) throw wrong('a signature has no sig');
  if (keyid === undefined) return { sig: fromBase64(sig) };
  if (typeof keyid !== 'string' || keyid.length > 1024) throw wrong('a keyid is no short text');
  return { keyid, sig: fromBase64(sig) };
}

function wrong(what: string): FormatError {
  return new FormatError('ENVELOPE-FORM', what);
}
