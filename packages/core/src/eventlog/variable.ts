import { ByteReader, isAllZero } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { guidText } from './guid.ts';

/** UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile, section 10.2.6). */
export interface UefiVariable {
  /** Text of the GUID. */
  readonly vendor: string;
  /** UTF-16 as it stands in the log; escape it before people see it. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** Characters. */
const NAME_LIMIT = 1024n;
const SHIM_PADDING = 6;
const DATA_LIMIT = 1024n * 1024n;

/** @throws FormatError EVENTLOG-DATA, BYTES-* */
export function parseVariable(bytes: Uint8Array): UefiVariable {
  const reader = readerOf(bytes);
  const variable = readVariable(reader);
  reader.end();
  return variable;
}

/** Variables one behind the other to the end. @throws FormatError EVENTLOG-DATA, BYTES-* */
export function parseVariables(bytes: Uint8Array): UefiVariable[] {
  const reader = readerOf(bytes);
  const variables: UefiVariable[] = [];
  while (reader.remaining > 0) variables.push(readVariable(reader));
  return variables;
}

/**
 * An authority. Old shim logs its C structure with the padding, five zeros, and a byte behind that it does not hash.
 * @throws FormatError EVENTLOG-DATA, BYTES-*
 */
export function parseAuthority(bytes: Uint8Array): UefiVariable {
  const reader = readerOf(bytes);
  const variable = readVariable(reader);
  const behind = bytes.subarray(reader.offset);
  const isPadding = behind.length === SHIM_PADDING && isAllZero(behind.subarray(0, -1));
  if (!isPadding) reader.end();
  return variable;
}

function readerOf(bytes: Uint8Array): ByteReader {
  return new ByteReader(bytes, 'UEFI variable', { littleEndian: true });
}

function readVariable(reader: ByteReader): UefiVariable {
  const vendor = guidText(reader.take(16, 'VariableName'));
  const nameLength = length64(reader, 'UnicodeNameLength', NAME_LIMIT);
  const dataLength = length64(reader, 'VariableDataLength', DATA_LIMIT);
  const name = utf16Text(reader.take(2 * nameLength, 'UnicodeName'));
  return { vendor, name, data: reader.take(dataLength, 'VariableData') };
}

export function length64(reader: ByteReader, field: string, limit: bigint): number {
  const length = reader.u64(field);
  if (length > limit) throw new FormatError('BYTES-LIMIT', `${field} is ${length}, over its limit of ${limit}`);
  return Number(length);
}

/** UTF-16, little-endian, byte pair by byte pair; unpaired surrogates stay, a last odd byte is passed over. */
export function utf16Text(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i + 1 < bytes.length; i += 2)
    text += String.fromCharCode((bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8));
  return text;
}
