import { ByteReader, ByteWriter } from '../../bytes/index.ts';
import { FormatError } from '../../errors/index.ts';
import { record, sized, tagged, u16, u32, u64, type Codec } from '../codec.ts';
import { MAX_DIGEST, MAX_NAME, TPM_ST } from '../constants.ts';
import { yesNo } from './algorithms.ts';
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

/** TPMS_QUOTE_INFO. */
export interface QuoteInfo {
  readonly kind: 'quote';
  readonly selection: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
}

/** TPMS_CERTIFY_INFO. */
export interface CertifyInfo {
  readonly kind: 'certify';
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
}

/** TPMS_CREATION_INFO. */
export interface CreationInfo {
  readonly kind: 'creation';
  readonly objectName: Uint8Array;
  readonly creationHash: Uint8Array;
}

/** TPMS_NV_CERTIFY_INFO. */
export interface NvInfo {
  readonly kind: 'nv';
  readonly indexName: Uint8Array;
  readonly offset: number;
  readonly contents: Uint8Array;
}

/** TPMS_TIME_ATTEST_INFO. */
export interface TimeInfo {
  readonly kind: 'time';
  /** Milliseconds since the TPM got power. */
  readonly time: bigint;
  readonly clockInfo: ClockInfo;
  readonly firmwareVersion: bigint;
}

/** TPMS_SESSION_AUDIT_INFO. */
export interface SessionAuditInfo {
  readonly kind: 'session-audit';
  readonly exclusive: boolean;
  readonly sessionDigest: Uint8Array;
}

/** What another attestation command made; its body is not read. */
export interface OtherInfo {
  readonly kind: 'other';
  readonly body: Uint8Array;
}

export type AttestedInfo = QuoteInfo | CertifyInfo | CreationInfo | NvInfo | TimeInfo | SessionAuditInfo | OtherInfo;

/** TPMS_ATTEST (TPM 2.0 Part 2, clause 10.12.12), read and not checked: magic and type may be any. */
export interface ParsedAttest extends ClockInfo {
  readonly magic: number;
  readonly type: number;
  readonly qualifiedSigner: Uint8Array;
  readonly extraData: Uint8Array;
  readonly firmwareVersion: bigint;
  readonly attested: AttestedInfo;
  /** The bytes that the signature covers. */
  readonly raw: Uint8Array;
}

const MAX_ATTEST = 2048;

const clockFields = { clock: u64, resetCount: u32, restartCount: u32, safe: yesNo } as const;
export const clockInfo: Codec<ClockInfo> = record(clockFields);

const head = record({
  magic: u32,
  type: u16,
  qualifiedSigner: sized(MAX_NAME),
  extraData: sized(MAX_NAME),
  ...clockFields,
  firmwareVersion: u64,
});

/** The bodies of the attestations that are read, by kind (TPM 2.0 Part 2, clauses 10.12.1 to 10.12.8). */
const BODIES = {
  quote: record({ kind: tagged('quote'), selection: pcrSelections, pcrDigest: sized(MAX_DIGEST) }),
  certify: record({ kind: tagged('certify'), name: sized(MAX_NAME), qualifiedName: sized(MAX_NAME) }),
  creation: record({ kind: tagged('creation'), objectName: sized(MAX_NAME), creationHash: sized(MAX_DIGEST) }),
  nv: record({ kind: tagged('nv'), indexName: sized(MAX_NAME), offset: u16, contents: sized(MAX_ATTEST) }),
  time: record({ kind: tagged('time'), time: u64, clockInfo, firmwareVersion: u64 }),
  'session-audit': record({ kind: tagged('session-audit'), exclusive: yesNo, sessionDigest: sized(MAX_DIGEST) }),
} as const;

export type AttestKind = keyof typeof BODIES;

/** TPM_ST of each kind. */
export const ATTEST_TYPES: Readonly<Record<AttestKind, number>> = {
  quote: TPM_ST.ATTEST_QUOTE,
  certify: TPM_ST.ATTEST_CERTIFY,
  creation: TPM_ST.ATTEST_CREATION,
  nv: TPM_ST.ATTEST_NV,
  time: TPM_ST.ATTEST_TIME,
  'session-audit': TPM_ST.ATTEST_SESSION_AUDIT,
};

/**
 * @param message TPMS_ATTEST without a size before it.
 * @param only the kind that is wanted; the body of another kind is then left as it is
 * @throws FormatError BYTES-*, HASH-UNKNOWN, TPM-STRUCTURE
 */
export function parseAttest(message: Uint8Array, only?: AttestKind): ParsedAttest {
  if (message.length > MAX_ATTEST) {
    throw new FormatError('BYTES-LIMIT', `TPMS_ATTEST has ${message.length} bytes, over its limit of ${MAX_ATTEST}`);
  }
  const reader = new ByteReader(message, 'TPMS_ATTEST');
  const values = head.read(reader, '');
  const isWanted = only === undefined || ATTEST_TYPES[only] === values.type;
  const attested = isWanted ? readBody(values.type, reader) : readOther(reader);
  reader.end();
  return { ...values, attested, raw: message };
}

/** TPMS_ATTEST. */
export function encodeAttest(attest: Omit<ParsedAttest, 'raw'>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  head.write(writer, attest);
  writeBody(writer, attest.attested);
  return writer.finish();
}

function writeBody(w: ByteWriter, attested: AttestedInfo): void {
  switch (attested.kind) {
    case 'quote':
      return BODIES.quote.write(w, attested);
    case 'certify':
      return BODIES.certify.write(w, attested);
    case 'creation':
      return BODIES.creation.write(w, attested);
    case 'nv':
      return BODIES.nv.write(w, attested);
    case 'time':
      return BODIES.time.write(w, attested);
    case 'session-audit':
      return BODIES['session-audit'].write(w, attested);
    case 'other':
      return void w.bytes(attested.body);
  }
}

function readBody(type: number, reader: ByteReader): AttestedInfo {
  switch (type) {
    case TPM_ST.ATTEST_QUOTE:
      return BODIES.quote.read(reader, 'attested');
    case TPM_ST.ATTEST_CERTIFY:
      return BODIES.certify.read(reader, 'attested');
    case TPM_ST.ATTEST_CREATION:
      return BODIES.creation.read(reader, 'attested');
    case TPM_ST.ATTEST_NV:
      return BODIES.nv.read(reader, 'attested');
    case TPM_ST.ATTEST_TIME:
      return BODIES.time.read(reader, 'attested');
    case TPM_ST.ATTEST_SESSION_AUDIT:
      return BODIES['session-audit'].read(reader, 'attested');
    default:
      return readOther(reader);
  }
}

function readOther(reader: ByteReader): OtherInfo {
  return { kind: 'other', body: reader.take(reader.remaining, 'attested') };
}
