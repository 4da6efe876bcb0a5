import { ByteReader, ByteWriter } from '../../bytes/index.ts';
import { FormatError } from '../../errors/index.ts';
import { sized, type Codec } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME, TPM_ST } from '../constants.ts';
import { pcrSelections, type PcrSelection } from './pcr-selection.ts';

/** TPM_GENERATED_VALUE: a restricted key signs no bytes from outside that begin so. */
export const TPM_GENERATED = 0xff544347;

/** TPMS_CLOCK_INFO. */
export interface ClockInfo {
  /** Milliseconds that the TPM was powered; goes back only after an unorderly loss of power. */
  readonly clock: bigint;
  /** Counts TPM Resets: start-ups after which nothing of the last run is left. */
  readonly resetCount: number;
  /** Counts TPM Restarts and Resumes since the last reset. */
  readonly restartCount: number;
  /** False while the clock may be behind a value that was reported before. */
  readonly safe: boolean;
}

export interface QuoteInfo {
  readonly kind: 'quote';
  readonly selection: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
}

/** What another attestation command made; its body is not read. */
export interface OtherInfo {
  readonly kind: 'other';
  readonly body: Uint8Array;
}

/** TPMS_ATTEST (TPM 2.0 Part 2, clause 10.12.12), read and not checked: magic and type may be any. */
export interface ParsedAttest extends ClockInfo {
  readonly magic: number;
  readonly type: number;
  readonly qualifiedSigner: Uint8Array;
  readonly extraData: Uint8Array;
  readonly firmwareVersion: bigint;
  readonly attested: QuoteInfo | OtherInfo;
  /** The bytes that the signature covers. */
  readonly raw: Uint8Array;
}

const MAX_ATTEST = 2048;

export const clockInfo: Codec<ClockInfo> = {
  read: (r) => ({
    clock: r.u64('clock'),
    resetCount: r.u32('resetCount'),
    restartCount: r.u32('restartCount'),
    safe: yesNo.read(r, 'safe'),
  }),
  write(w, value) {
    w.u64(value.clock).u32(value.resetCount).u32(value.restartCount);
    yesNo.write(w, value.safe);
  },
};

/** TPMI_YES_NO. */
export const yesNo: Codec<boolean> = {
  read(r, field) {
    const offset = r.offset;
    const value = r.u8(field);
    if (value > 1) throw new FormatError('TPM-STRUCTURE', `${field} is ${value}, not 0 or 1`, { offset, field });
    return value === 1;
  },
  write: (w, value) => void w.u8(value ? 1 : 0),
};

/**
 * @param message TPMS_ATTEST without a size before it.
 * @throws FormatError BYTES-*, HASH-UNKNOWN, TPM-STRUCTURE
 */
export function parseAttest(message: Uint8Array): ParsedAttest {
  if (message.length > MAX_ATTEST) {
    throw new FormatError('BYTES-LIMIT', `TPMS_ATTEST has ${message.length} bytes, over its limit of ${MAX_ATTEST}`);
  }
  const reader = new ByteReader(message, 'TPMS_ATTEST');
  const magic = reader.u32('magic');
  const type = reader.u16('type');
  const head = {
    qualifiedSigner: sized(MAX_NAME).read(reader, 'qualifiedSigner'),
    extraData: sized(MAX_NAME).read(reader, 'extraData'),
    ...clockInfo.read(reader, 'clockInfo'),
    firmwareVersion: reader.u64('firmwareVersion'),
  };
  const attested = type === TPM_ST.ATTEST_QUOTE ? readQuote(reader) : readOther(reader);
  reader.end();
  return { magic, type, ...head, attested, raw: message };
}

/** TPMS_ATTEST. */
export function encodeAttest(attest: Omit<ParsedAttest, 'raw'>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u32(attest.magic).u16(attest.type);
  sized(MAX_NAME).write(writer, attest.qualifiedSigner);
  sized(MAX_NAME).write(writer, attest.extraData);
  clockInfo.write(writer, attest);
  writer.u64(attest.firmwareVersion);
  const { attested } = attest;
  if (attested.kind === 'other') return writer.bytes(attested.body).finish();
  pcrSelections.write(writer, attested.selection);
  sized(MAX_DIGEST).write(writer, attested.pcrDigest);
  return writer.finish();
}

function readQuote(reader: ByteReader): QuoteInfo {
  return {
    kind: 'quote',
    selection: pcrSelections.read(reader, 'pcrSelect'),
    pcrDigest: sized(MAX_DIGEST).read(reader, 'pcrDigest'),
  };
}

function readOther(reader: ByteReader): OtherInfo {
  return { kind: 'other', body: reader.take(reader.remaining, 'attested') };
}
