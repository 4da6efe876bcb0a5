import { ByteReader, ByteWriter, toHex, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, hashNamed } from '../hash/index.ts';
import type { EntryFields, FileDigest } from './entry.ts';

/** The template fields that this version reads (security/integrity/ima/ima_template.c, supported_fields). */
export type FieldId = 'd-ng' | 'n-ng' | 'sig' | 'buf';

interface FieldCodec {
  decode(data: Uint8Array): EntryFields;
  encode(fields: EntryFields): Uint8Array;
  /** The field as the ascii list shows it. */
  ascii(fields: EntryFields): Uint8Array;
}

const EMPTY = new Uint8Array(0);
const COLON = 0x3a;
/** PATH_MAX and its NUL, with room for ` (deleted)` (fs/d_path.c). */
const NAME_LIMIT = 4096 + 16;

export const FIELDS: Readonly<Record<FieldId, FieldCodec>> = {
  'd-ng': {
    decode: (data) => ({ digest: decodeDigest(data) }),
    encode: ({ digest }) => encodeDigest(required(digest, 'd-ng')),
    ascii: ({ digest }) => asciiDigest(required(digest, 'd-ng')),
  },
  'n-ng': {
    decode: (data) => ({ name: decodeName(data) }),
    encode: ({ name }) => new ByteWriter().bytes(required(name, 'n-ng')).u8(0).finish(),
    ascii: ({ name }) => required(name, 'n-ng'),
  },
  sig: {
    decode: (signature) => ({ signature }),
    encode: ({ signature }) => signature ?? EMPTY,
    ascii: ({ signature }) => utf8(toHex(signature ?? EMPTY)),
  },
  buf: {
    decode: (buffer) => ({ buffer }),
    encode: ({ buffer }) => required(buffer, 'buf'),
    ascii: ({ buffer }) => utf8(toHex(required(buffer, 'buf'))),
  },
};

export function isFieldId(id: string): id is FieldId {
  return Object.hasOwn(FIELDS, id);
}

/** `<alg>:` NUL digest (ima_template_lib.c, ima_eventdigest_init_common). */
function decodeDigest(data: Uint8Array): FileDigest {
  const colon = data.indexOf(COLON);
  if (colon < 0 || data[colon + 1] !== 0) throw badField('d-ng', 'has no algorithm prefix');
  const algorithm = hashNamed(String.fromCharCode(...data.subarray(0, Math.min(colon, 32))));
  const value = data.subarray(colon + 2);
  if (value.length !== algorithm.size) {
    throw badField('d-ng', `holds ${value.length} bytes for ${algorithm.name}, which has ${algorithm.size}`);
  }
  return { algorithm: algorithm.name, value };
}

function encodeDigest({ algorithm, value }: FileDigest): Uint8Array {
  if (value.length !== hashAlgorithm(algorithm).size) throw badField('d-ng', `${value.length} bytes for ${algorithm}`);
  return new ByteWriter()
    .bytes(utf8(`${algorithm}:\0`))
    .bytes(value)
    .finish();
}

function asciiDigest({ algorithm, value }: FileDigest): Uint8Array {
  return utf8(`${algorithm}:${toHex(value)}`);
}

function decodeName(data: Uint8Array): Uint8Array {
  if (data.length > NAME_LIMIT) throw badField('n-ng', `is ${data.length} bytes long, over ${NAME_LIMIT}`);
  if (data.length === 0 || data.indexOf(0) !== data.length - 1) throw badField('n-ng', 'does not end at its only NUL');
  return data.subarray(0, -1);
}

/** Splits template data into its fields: u32 length and bytes each (little-endian), with nothing after the last. */
export function decodeFields(ids: readonly FieldId[], templateData: Uint8Array): EntryFields {
  const reader = new ByteReader(templateData, 'template data', { littleEndian: true });
  let fields: EntryFields = {};
  for (const id of ids) {
    const data = reader.take(reader.u32(`length of ${id}`), id);
    fields = { ...fields, ...FIELDS[id].decode(data) };
  }
  reader.end();
  return fields;
}

export function encodeFields(ids: readonly FieldId[], fields: EntryFields): Uint8Array {
  const writer = new ByteWriter({ littleEndian: true });
  for (const id of ids) {
    const data = FIELDS[id].encode(fields);
    writer.u32(data.length).bytes(data);
  }
  return writer.finish();
}

function required<T>(value: T | undefined, field: FieldId): T {
  if (value === undefined) throw badField(field, 'is missing');
  return value;
}

function badField(field: FieldId, what: string): FormatError {
  return new FormatError('LIST-FIELD', `field ${field} ${what}`, { field });
}
