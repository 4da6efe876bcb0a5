import { equalBytes, toHex } from '../bytes/index.ts';
import { DER, DerReader, derElement, type ParsedCertificate } from '../keys/index.ts';
import { contentOf, EXTENSION } from './extensions.ts';

/** One attribute of a distinguished name. */
export interface NameAttribute {
  /** Content octets of the identifier in hexadecimal. */
  readonly type: string;
  /** As text where it is UTF8String, PrintableString or IA5String; otherwise hexadecimal. */
  readonly value: string;
}

/** GeneralName directoryName, which is tagged explicitly since Name is a CHOICE (RFC 5280 section 4.2.1.6). */
export const DIRECTORY_NAME = DER.context(4);
const PRINTABLE_STRING = 0x13;
const IA5_STRING = 0x16;
const TEXT_TAGS: readonly number[] = [DER.utf8String, PRINTABLE_STRING, IA5_STRING];
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '550403': 'CN',
  '550406': 'C',
  '550407': 'L',
  '550408': 'ST',
  '55040a': 'O',
  '55040b': 'OU',
  '6781050201': 'tpmManufacturer',
  '6781050202': 'tpmModel',
  '6781050203': 'tpmVersion',
};

/** Attributes of a Name in DER, in its order. @throws FormatError DER-FORM */
export function nameAttributes(name: Uint8Array): NameAttribute[] {
  return partsOf(name).flat();
}

/**
 * Whether two names are of one entity (RFC 5280 section 7.1): the same letters, whatever their case, blanks and kind of
 * string. Makers of TPMs do name one authority once as PrintableString and once as UTF8String.
 * @throws FormatError DER-FORM
 */
export function sameName(one: Uint8Array, other: Uint8Array): boolean {
  return equalBytes(one, other) || canonicalParts(one).join('\n') === canonicalParts(other).join('\n');
}

/** For people: `CN=…, O=…`. Attribute values are the issuer's words, so escape the text before it is shown. */
export function nameText(name: Uint8Array): string {
  return nameAttributes(name)
    .map(({ type, value }) => `${SHORT_NAMES[type] ?? type}=${value}`)
    .join(', ');
}

/** A GeneralName (RFC 5280 section 4.2.1.6): its tag, and what that tag stands before. */
export interface GeneralName {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** What subjectAltName holds. @throws FormatError DER-FORM */
export function alternativeNames(certificate: ParsedCertificate): GeneralName[] {
  const value = certificate.extensions.get(EXTENSION.subjectAltName)?.value;
  if (value === undefined) return [];
  const names = contentOf(value, 'subjectAltName');
  const found: GeneralName[] = [];
  while (names.nextTag !== undefined) found.push(readGeneralName(names));
  return found;
}

/** @throws FormatError DER-FORM */
export function readGeneralName(names: DerReader): GeneralName {
  const tag = names.nextTag ?? 0;
  return { tag, content: names.read(tag, 'GeneralName') };
}

/** Whether a name begins with all parts of another one (RFC 5280 section 4.2.1.10). @throws FormatError DER-FORM */
export function isUnder(name: Uint8Array, base: Uint8Array): boolean {
  const parts = canonicalParts(name);
  return canonicalParts(base).every((part, index) => part === parts[index]);
}

function canonicalParts(name: Uint8Array): string[] {
  return partsOf(name).map((attributes) =>
    JSON.stringify(
      attributes.map(({ type, value }) => `${type}=${value.trim().replaceAll(/\s+/g, ' ').toLowerCase()}`),
    ),
  );
}

/** The parts of a name, each a set of attributes. */
function partsOf(name: Uint8Array): NameAttribute[][] {
  const outer = new DerReader(name, 'name');
  const sequence = outer.enter(DER.sequence, 'RDNSequence');
  outer.end();
  const parts: NameAttribute[][] = [];
  while (sequence.nextTag !== undefined) {
    const set = sequence.enter(DER.set, 'RelativeDistinguishedName');
    const attributes: NameAttribute[] = [];
    while (set.nextTag !== undefined) attributes.push(readAttribute(set));
    parts.push(attributes);
  }
  return parts;
}

function readAttribute(set: DerReader): NameAttribute {
  const attribute = set.enter(DER.sequence, 'AttributeTypeAndValue');
  const type = toHex(attribute.read(DER.oid, 'type'));
  const tag = attribute.nextTag ?? 0;
  const content = attribute.read(tag, 'value');
  attribute.end();
  return { type, value: TEXT_TAGS.includes(tag) ? textOf(content) : toHex(derElement(tag, content)) };
}

function textOf(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return toHex(content);
  }
}
