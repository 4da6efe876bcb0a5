import { ByteReader, ByteWriter } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { ByteOrder, EntryFields, TemplateContent } from './entry.ts';
import { badField, decodeOldDigest, decodeParts, FIELDS, joinFields, SHORT_NAME_LIMIT, splitFields } from './fields.ts';
import { fieldsOf, isOldTemplate } from './templates.ts';

/** TPM_DIGEST_SIZE and MD5_DIGEST_SIZE: what `ima_hash=` allows with template `ima`. */
const OLD_DIGEST_SIZES = [20, 16] as const;
/** IMA_EVENT_NAME_LEN_MAX + 1 */
const PADDED_NAME = SHORT_NAME_LIMIT + 1;

/** @throws FormatError LIST-FIELD, LIST-TEMPLATE, HASH-UNKNOWN, BYTES-TRUNCATED, BYTES-TRAILING */
export function decodeContent(content: TemplateContent): EntryFields {
  const order = content.byteOrder ?? 'little';
  if (isOldTemplate(content.template)) {
    const { digest, name } = oldParts(content.templateData, order);
    return { digest: decodeOldDigest(digest), name };
  }
  const ids = fieldsOf(content.template);
  return decodeParts(ids, splitFields(ids, content.templateData, order), order);
}

/** The fields as the ascii list shows them, in their order. */
export function asciiFields(content: TemplateContent): Uint8Array[] {
  const order = content.byteOrder ?? 'little';
  if (isOldTemplate(content.template)) {
    const { digest, name } = oldParts(content.templateData, order);
    return [FIELDS.d.ascii(digest, order), name];
  }
  const ids = fieldsOf(content.template);
  const parts = splitFields(ids, content.templateData, order);
  return ids.map((id, index) => FIELDS[id].ascii(parts[index] ?? new Uint8Array(0), order));
}

/** Template data from what an ascii list shows. @throws FormatError */
export function templateDataFromAscii(template: string, shown: readonly Uint8Array[], order: ByteOrder): Uint8Array {
  const ids = fieldsOf(template);
  const parts = ids.map((id, index) => FIELDS[id].fromAscii(shown[index] ?? new Uint8Array(0), order));
  const [digest, name] = parts;
  if (!isOldTemplate(template) || digest === undefined || name === undefined) return joinFields(parts, order);
  return oldTemplateData(digest, name.subarray(0, -1), order);
}

/**
 * Template data as they are stored in a binary list.
 * @param template name, or the format of a custom template
 * @throws FormatError LIST-TEMPLATE; LIST-FIELD where a field is missing that the kernel always fills
 */
export function encodeTemplateData(template: string, fields: EntryFields, order: ByteOrder = 'little'): Uint8Array {
  const ids = fieldsOf(template);
  if (!isOldTemplate(template))
    return joinFields(
      ids.map((id) => FIELDS[id].encode(fields, order)),
      order,
    );
  const { digest, name } = fields;
  if (digest === undefined || name === undefined) throw badField('d', 'or the name is missing');
  return oldTemplateData(digest.value, name, order);
}

/** What the template digest covers (ima_crypto.c, ima_calc_field_array_hash_tfm). */
export function digestInput(content: TemplateContent): Uint8Array {
  if (!isOldTemplate(content.template)) return content.templateData;
  const { digest, name } = oldParts(content.templateData, content.byteOrder ?? 'little');
  const padding = new Uint8Array(PADDED_NAME - name.length);
  return new ByteWriter().bytes(digest).bytes(name).bytes(padding).finish();
}

/**
 * Where the template data of an entry of template `ima` end: they have no length in front.
 * @param digestSize 20, or 16 in a list with `ima_hash=md5`
 */
export function takeOldTemplateData(reader: ByteReader, digestSize: number): Uint8Array {
  const start = reader.offset;
  reader.take(digestSize, 'd');
  reader.take(reader.length32('length of n', SHORT_NAME_LIMIT), 'n');
  return reader.bytes.subarray(start, reader.offset);
}

function oldTemplateData(digest: Uint8Array, name: Uint8Array, order: ByteOrder): Uint8Array {
  if (name.length > SHORT_NAME_LIMIT || name.includes(0)) throw badField('n', 'is too long, or has a NUL inside');
  return new ByteWriter({ littleEndian: order === 'little' }).bytes(digest).u32(name.length).bytes(name).finish();
}

function oldParts(data: Uint8Array, order: ByteOrder): { digest: Uint8Array; name: Uint8Array } {
  for (const size of OLD_DIGEST_SIZES) {
    if (data.length < size + 4) continue;
    const reader = new ByteReader(data, 'template data', { littleEndian: order === 'little' });
    const digest = reader.take(size, 'd');
    if (reader.u32('length of n') !== reader.remaining) continue;
    const name = reader.take(reader.remaining, 'n');
    if (name.length > SHORT_NAME_LIMIT || name.includes(0)) throw badField('n', 'is too long, or has a NUL inside');
    return { digest, name };
  }
  throw new FormatError('LIST-FIELD', 'template data of template ima are not a digest, a length and a name');
}
