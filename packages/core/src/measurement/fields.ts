import { ByteReader, ByteWriter, fromHex, toHex, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, hashNamed } from '../hash/index.ts';
import type { ByteOrder, EntryFields, FileDigest } from './entry.ts';

/** The template fields of Linux 5.4 to 7.2 (security/integrity/ima/ima_template.c, supported_fields). */
export type FieldId =
  | 'd'
  | 'd-ng'
  | 'd-ngv2'
  | 'd-modsig'
  | 'n'
  | 'n-ng'
  | 'sig'
  | 'evmsig'
  | 'modsig'
  | 'buf'
  | 'iuid'
  | 'igid'
  | 'imode'
  | 'xattrnames'
  | 'xattrlengths'
  | 'xattrvalues';

interface FieldCodec {
  decode(data: Uint8Array, order: ByteOrder): EntryFields;
  encode(fields: EntryFields, order: ByteOrder): Uint8Array;
  /** The field as the ascii list shows it. */
  ascii(data: Uint8Array, order: ByteOrder): Uint8Array;
  /** The bytes that are shown so; those of integers and digests, the text itself of names. */
  fromAscii(shown: Uint8Array, order: ByteOrder): Uint8Array;
}

const EMPTY = new Uint8Array(0);
const COLON = 0x3a;
/** PATH_MAX and its NUL, with room for ` (deleted)` (fs/d_path.c). */
export const PATH_LIMIT = 4096 + 16;
/** IMA_EVENT_NAME_LEN_MAX, without the NUL. */
export const SHORT_NAME_LIMIT = 255;
/** Of the digest of a violation in field `d`, and of SHA-1. */
const SHA1_SIZE = 20;
const MD5_SIZE = 16;

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
const hexText = (data: Uint8Array): Uint8Array => utf8(toHex(data));

/** The kernel writes lower case (ima_print_digest). @throws FormatError TEXT-HEX */
export function fromHexText(shown: Uint8Array): Uint8Array {
  const text = latin1(shown);
  if (/[A-F]/.test(text)) throw new FormatError('TEXT-HEX', 'lists are written with lower-case hexadecimal');
  return fromHex(text);
}

export const FIELDS: Readonly<Record<FieldId, FieldCodec>> = {
  d: {
    decode: (data) => ({ digest: decodeOldDigest(data) }),
    encode: ({ digest }) => required(digest, 'd').value,
    ascii: hexText,
    fromAscii: fromHexText,
  },
  'd-ng': {
    decode: (data) => ({ digest: decodeDigest('d-ng', data) }),
    encode: ({ digest }) => encodeDigest('d-ng', required(digest, 'd-ng')),
    ascii: asciiDigest,
    fromAscii: digestFromAscii,
  },
  'd-ngv2': {
    decode: (data) => ({ digest: decodeTypedDigest(data) }),
    encode: ({ digest }) => encodeTypedDigest(required(digest, 'd-ngv2')),
    ascii: asciiDigest,
    fromAscii: digestFromAscii,
  },
  'd-modsig': {
    decode: (data) => (data.length === 0 ? {} : { modsigDigest: decodeDigest('d-modsig', data) }),
    encode: ({ modsigDigest }) => (modsigDigest === undefined ? EMPTY : encodeDigest('d-modsig', modsigDigest)),
    ascii: asciiDigest,
    fromAscii: digestFromAscii,
  },
  n: nameCodec('n', SHORT_NAME_LIMIT),
  'n-ng': nameCodec('n-ng', PATH_LIMIT),
  sig: {
    decode: (signature) => ({ signature }),
    encode: ({ signature }) => signature ?? EMPTY,
    ascii: hexText,
    fromAscii: fromHexText,
  },
  evmsig: {
    decode: (evmSignature) => ({ evmSignature }),
    encode: ({ evmSignature }) => evmSignature ?? EMPTY,
    ascii: hexText,
    fromAscii: fromHexText,
  },
  modsig: {
    decode: (modsig) => (modsig.length === 0 ? {} : { modsig }),
    encode: ({ modsig }) => modsig ?? EMPTY,
    ascii: hexText,
    fromAscii: fromHexText,
  },
  buf: {
    decode: (buffer) => ({ buffer }),
    encode: ({ buffer }) => required(buffer, 'buf'),
    ascii: hexText,
    fromAscii: fromHexText,
  },
  iuid: integerCodec('iuid', 4, 'uid'),
  igid: integerCodec('igid', 4, 'gid'),
  imode: integerCodec('imode', 2, 'mode'),
  xattrnames: {
    decode: (data) =>
      data.length === 0 ? {} : { xattrNames: latin1(decodeName('xattrnames', data, PATH_LIMIT)).split('|') },
    encode: ({ xattrNames }) => (xattrNames === undefined ? EMPTY : utf8(`${xattrNames.join('|')}\0`)),
    ascii: (data) => (data.length === 0 ? EMPTY : data.subarray(0, -1)),
    fromAscii: (shown) => (shown.length === 0 ? EMPTY : withNul(shown)),
  },
  xattrlengths: {
    decode: (data, order) => (data.length === 0 ? {} : { xattrLengths: decodeLengths(data, order) }),
    encode: ({ xattrLengths }, order) => encodeLengths(xattrLengths ?? [], order),
    ascii: hexText,
    fromAscii: fromHexText,
  },
  xattrvalues: {
    decode: (xattrValues) => (xattrValues.length === 0 ? {} : { xattrValues }),
    encode: ({ xattrValues }) => xattrValues ?? EMPTY,
    ascii: hexText,
    fromAscii: fromHexText,
  },
};

export function isFieldId(id: string): id is FieldId {
  return Object.hasOwn(FIELDS, id);
}

function nameCodec(id: FieldId, limit: number): FieldCodec {
  return {
    decode: (data) => ({ name: decodeName(id, data, limit) }),
    encode: ({ name }) => withNul(required(name, id)),
    ascii: (data) => data.subarray(0, -1),
    fromAscii: withNul,
  };
}

/** Empty where the entry is of no file (ima_template_lib.c, ima_eventinodedac_init_common). */
function integerCodec(id: FieldId, size: 2 | 4, member: 'uid' | 'gid' | 'mode'): FieldCodec {
  const read = (data: Uint8Array, order: ByteOrder): number => {
    if (data.length !== size) throw badField(id, `holds ${data.length} bytes, not ${size}`);
    const reader = new ByteReader(data, id, { littleEndian: order === 'little' });
    return size === 2 ? reader.u16(id) : reader.u32(id);
  };
  const write = (value: number, order: ByteOrder): Uint8Array => {
    const writer = new ByteWriter({ littleEndian: order === 'little' });
    return (size === 2 ? writer.u16(value) : writer.u32(value)).finish();
  };
  return {
    decode: (data, order) => (data.length === 0 ? {} : { [member]: read(data, order) }),
    encode: (fields, order) => {
      const value = fields[member];
      return value === undefined ? EMPTY : write(value, order);
    },
    ascii: (data, order) => (data.length === 0 ? EMPTY : utf8(String(read(data, order)))),
    fromAscii: (shown, order) => {
      if (shown.length === 0) return EMPTY;
      const text = latin1(shown);
      if (!/^(?:0|[1-9]\d{0,9})$/.test(text) || Number(text) >= 2 ** (8 * size))
        throw badField(id, 'is no number of its size');
      return write(Number(text), order);
    },
  };
}

/** Field `d` names no algorithm: 20 bytes are SHA-1 (or the zeros of a violation), 16 are MD5. */
export function decodeOldDigest(data: Uint8Array): FileDigest {
  if (data.length === SHA1_SIZE) return { algorithm: 'sha1', value: data };
  if (data.length === MD5_SIZE) return { algorithm: 'md5', value: data };
  throw badField('d', `holds ${data.length} bytes, the size of neither SHA-1 nor MD5`);
}

/** `<alg>:` NUL digest (ima_template_lib.c, ima_eventdigest_init_common). */
function decodeDigest(id: FieldId, data: Uint8Array): FileDigest {
  const colon = data.indexOf(COLON);
  if (colon < 0 || data[colon + 1] !== 0) throw badField(id, 'has no algorithm prefix');
  const algorithm = hashNamed(latin1(data.subarray(0, Math.min(colon, 32))));
  const value = data.subarray(colon + 2);
  if (value.length !== algorithm.size) {
    throw badField(id, `holds ${value.length} bytes for ${algorithm.name}, which has ${algorithm.size}`);
  }
  return { algorithm: algorithm.name, value };
}

/** `<type>:<alg>:` NUL digest (ima_template_lib.c, DIGEST_WITH_TYPE_AND_ALGO). */
function decodeTypedDigest(data: Uint8Array): FileDigest {
  const colon = data.indexOf(COLON);
  const type = latin1(data.subarray(0, Math.max(0, Math.min(colon, 8))));
  if (type !== 'ima' && type !== 'verity') throw badField('d-ngv2', 'has no digest type');
  return { ...decodeDigest('d-ngv2', data.subarray(colon + 1)), type };
}

function encodeDigest(id: FieldId, { algorithm, value }: FileDigest): Uint8Array {
  if (value.length !== hashAlgorithm(algorithm).size) throw badField(id, `${value.length} bytes for ${algorithm}`);
  return new ByteWriter()
    .bytes(utf8(`${algorithm}:\0`))
    .bytes(value)
    .finish();
}

function encodeTypedDigest(digest: FileDigest): Uint8Array {
  return new ByteWriter()
    .bytes(utf8(`${required(digest.type, 'd-ngv2')}:`))
    .bytes(encodeDigest('d-ngv2', digest))
    .finish();
}

/** The prefix up to its NUL, then hexadecimal (ima_show_template_field_data). */
function asciiDigest(data: Uint8Array): Uint8Array {
  if (data.length === 0) return EMPTY;
  const nul = data.indexOf(0);
  return new ByteWriter()
    .bytes(data.subarray(0, nul))
    .bytes(hexText(data.subarray(nul + 1)))
    .finish();
}

function digestFromAscii(shown: Uint8Array): Uint8Array {
  if (shown.length === 0) return EMPTY;
  const colon = shown.lastIndexOf(COLON);
  return new ByteWriter()
    .bytes(shown.subarray(0, colon + 1))
    .u8(0)
    .bytes(fromHexText(shown.subarray(colon + 1)))
    .finish();
}

function decodeName(id: FieldId, data: Uint8Array, limit: number): Uint8Array {
  if (data.length > limit + 1) throw badField(id, `is ${data.length} bytes long, over ${limit + 1}`);
  if (data.length === 0 || data.indexOf(0) !== data.length - 1) throw badField(id, 'does not end at its only NUL');
  return data.subarray(0, -1);
}

function withNul(text: Uint8Array): Uint8Array {
  return new ByteWriter().bytes(text).u8(0).finish();
}

function decodeLengths(data: Uint8Array, order: ByteOrder): number[] {
  const reader = new ByteReader(data, 'xattrlengths', { littleEndian: order === 'little' });
  const lengths: number[] = [];
  while (reader.remaining > 0) lengths.push(reader.u32('length of an xattr'));
  return lengths;
}

function encodeLengths(lengths: readonly number[], order: ByteOrder): Uint8Array {
  const writer = new ByteWriter({ littleEndian: order === 'little' });
  for (const length of lengths) writer.u32(length);
  return writer.finish();
}

/** The bytes of each field: u32 length and bytes, with nothing after the last. */
export function splitFields(ids: readonly FieldId[], templateData: Uint8Array, order: ByteOrder): Uint8Array[] {
  const reader = new ByteReader(templateData, 'template data', { littleEndian: order === 'little' });
  const parts = ids.map((id) => reader.take(reader.u32(`length of ${id}`), id));
  reader.end();
  return parts;
}

export function joinFields(parts: readonly Uint8Array[], order: ByteOrder): Uint8Array {
  const writer = new ByteWriter({ littleEndian: order === 'little' });
  for (const part of parts) writer.u32(part.length).bytes(part);
  return writer.finish();
}

/** Where a format names a field twice, both hold the same. */
export function decodeParts(ids: readonly FieldId[], parts: readonly Uint8Array[], order: ByteOrder): EntryFields {
  let fields: EntryFields = {};
  for (const [index, id] of ids.entries()) fields = { ...fields, ...FIELDS[id].decode(parts[index] ?? EMPTY, order) };
  return fields;
}

function required<T>(value: T | undefined, field: FieldId): T {
  if (value === undefined) throw badField(field, 'is missing');
  return value;
}

export function badField(field: FieldId, what: string): FormatError {
  return new FormatError('LIST-FIELD', `field ${field} ${what}`, { field });
}
