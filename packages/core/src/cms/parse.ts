import { concat, toHex } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { HashName } from '../hash/index.ts';
import { DER, DerReader, HASH_OIDS, SIGNATURE_OIDS } from '../keys/index.ts';
import type { ParsedSignedData, SignedAttributes, SignerId } from './types.ts';

const SIGNED_DATA = '2a864886f70d010702';
const DATA = '2a864886f70d010701';
const RSA = '2a864886f70d010101';
const CONTENT_TYPE = '2a864886f70d010903';
const MESSAGE_DIGEST = '2a864886f70d010904';
/** Hashes that a kernel takes in PKCS#7 (crypto/asymmetric_keys/pkcs7_parser.c, pkcs7_sig_note_digest_algo). */
const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-384', 'sha3-512'] as const;
const HASH_OF_OID: ReadonlyMap<string, HashName> = new Map(HASHES.map((name) => [HASH_OIDS[name] ?? '', name]));
const HASH_OF_ECDSA: ReadonlyMap<string, HashName> = new Map([
  [SIGNATURE_OIDS.ecc.sha256, 'sha256'],
  [SIGNATURE_OIDS.ecc.sha384, 'sha384'],
  [SIGNATURE_OIDS.ecc.sha512, 'sha512'],
]);

/** A signature with a certificate or two has at most some thousand bytes. */
export const LARGEST_SIGNED_DATA = 65_536;
const MOST_CERTIFICATES = 16;
const MOST_ATTRIBUTES = 32;
const STRUCTURE = 'CMS';

/**
 * SignedData (RFC 5652 section 5, PKCS#7) as kernels take it: in DER, of one signer, the content elsewhere.
 *
 * @throws FormatError DER-FORM, CMS-FORM, BYTES-LIMIT
 */
export function parseSignedData(der: Uint8Array): ParsedSignedData {
  if (der.length > LARGEST_SIGNED_DATA) {
    throw new FormatError('BYTES-LIMIT', `${STRUCTURE}: ${der.length} bytes, over ${LARGEST_SIGNED_DATA}`);
  }
  const outer = new DerReader(der, STRUCTURE);
  const contentInfo = outer.enter(DER.sequence, 'ContentInfo');
  outer.end();
  if (oidOf(contentInfo, 'contentType') !== SIGNED_DATA) throw refused('it is no SignedData');
  const explicit = contentInfo.enter(DER.context(0), 'content');
  contentInfo.end();
  const signedData = explicit.enter(DER.sequence, 'SignedData');
  explicit.end();
  return { raw: der, ...readSignedData(signedData) };
}

function readSignedData(data: DerReader): Omit<ParsedSignedData, 'raw'> {
  const version = smallNumber(data, 'version');
  const named = readHashes(data.enter(DER.set, 'digestAlgorithms'));
  requireDetached(data.enter(DER.sequence, 'encapContentInfo'));
  const certificates =
    data.nextTag === DER.context(0) ? readCertificates(data.enter(DER.context(0), 'certificates')) : [];
  if (data.nextTag === DER.context(1)) throw refused('it carries revocation lists');
  const signers = data.enter(DER.set, 'signerInfos');
  data.end();
  if (signers.nextTag === undefined) throw refused('it has no signer');
  const signer = readSigner(signers.enter(DER.sequence, 'SignerInfo'));
  if (signers.nextTag !== undefined) throw refused('it has several signers');
  // Section 5.1: 3 where a signer is named by a key identifier, else 1, as the content is plain data.
  if (version !== (signer.signer.kind === 'issuer' ? 1 : 3)) throw refused(`SignedData of version ${version}`);
  if (named !== signer.hash) throw refused(`it announces ${named}, and its signer uses ${signer.hash}`);
  return { ...signer, certificates };
}

/** One signer has one hash. */
function readHashes(set: DerReader): HashName {
  const hash = readHash(set);
  if (set.nextTag !== undefined) throw refused('it announces several hashes for one signer');
  return hash;
}

function requireDetached(content: DerReader): void {
  if (oidOf(content, 'eContentType') !== DATA) throw refused('its content is of another type than data');
  if (content.nextTag !== undefined) throw refused('it holds its content, which belongs outside');
}

function readCertificates(list: DerReader): Uint8Array[] {
  const found: Uint8Array[] = [];
  while (list.nextTag !== undefined) {
    if (found.length === MOST_CERTIFICATES) {
      throw new FormatError('BYTES-LIMIT', `${STRUCTURE}: over ${MOST_CERTIFICATES} certificates`);
    }
    found.push(list.element(DER.sequence, 'certificate'));
  }
  return found;
}

function readSigner(info: DerReader): Omit<ParsedSignedData, 'raw' | 'certificates'> {
  const version = smallNumber(info, 'version');
  const signer = readSignerId(info);
  if (version !== (signer.kind === 'issuer' ? 1 : 3)) throw refused(`SignerInfo of version ${version}`);
  const hash = readHash(info);
  const attributes =
    info.nextTag === DER.context(0) ? readAttributes(info.element(DER.context(0), 'signedAttrs')) : undefined;
  const keyKind = readKeyKind(info.enter(DER.sequence, 'signatureAlgorithm'), hash);
  const signature = info.read(DER.octetString, 'signature');
  if (info.nextTag === DER.context(1)) throw refused('it has attributes that nobody signed');
  info.end();
  return { signer, hash, keyKind, signature, ...(attributes === undefined ? {} : { attributes }) };
}

function readSignerId(info: DerReader): SignerId {
  if (info.nextTag === KEY_IDENTIFIER) {
    const subjectKeyIdentifier = info.read(KEY_IDENTIFIER, 'subjectKeyIdentifier');
    return { kind: 'key-identifier', subjectKeyIdentifier };
  }
  const pair = info.enter(DER.sequence, 'issuerAndSerialNumber');
  const id = {
    kind: 'issuer',
    issuer: pair.element(DER.sequence, 'issuer'),
    serialNumber: pair.unsigned('serialNumber'),
  } as const;
  pair.end();
  return id;
}

/** [0] IMPLICIT OCTET STRING */
const KEY_IDENTIFIER = 0x80;

function readHash(reader: DerReader): HashName {
  const algorithm = reader.enter(DER.sequence, 'digestAlgorithm');
  const oid = oidOf(algorithm, 'digestAlgorithm');
  readNull(algorithm);
  const hash = HASH_OF_OID.get(oid);
  if (hash === undefined) throw refused(`hash algorithm ${oid}`);
  return hash;
}

function readKeyKind(algorithm: DerReader, hash: HashName): ParsedSignedData['keyKind'] {
  const oid = oidOf(algorithm, 'signatureAlgorithm');
  if (oid === RSA) {
    readNull(algorithm);
    return 'rsa';
  }
  algorithm.end();
  const ofEcdsa = HASH_OF_ECDSA.get(oid);
  if (ofEcdsa === undefined) throw refused(`signature algorithm ${oid}`);
  if (ofEcdsa !== hash) throw refused(`a signature over ${ofEcdsa}, and ${hash} of the content`);
  return 'ecc';
}

/** Parameters that are NULL or left out: both are in use (RFC 5754 section 2). */
function readNull(algorithm: DerReader): void {
  if (algorithm.nextTag === DER.null && algorithm.read(DER.null, 'parameters').length > 0)
    throw refused('NULL has content');
  algorithm.end();
}

/** Section 5.3: contentType and messageDigest must be there, and each attribute once. */
function readAttributes(implicit: Uint8Array): SignedAttributes {
  const signed = concat([Uint8Array.of(DER.set), implicit.subarray(1)]);
  const set = new DerReader(signed, STRUCTURE).enter(DER.set, 'signedAttrs');
  const values = new Map<string, DerReader>();
  let before: Uint8Array = new Uint8Array(0);
  while (set.nextTag !== undefined) {
    const element = set.element(DER.sequence, 'Attribute');
    if (compareSetElements(before, element) >= 0) throw refused('its signed attributes are not in the order of DER');
    before = element;
    const attribute = new DerReader(element, STRUCTURE).enter(DER.sequence, 'Attribute');
    const oid = oidOf(attribute, 'attrType');
    const value = attribute.enter(DER.set, 'attrValues');
    attribute.end();
    if (values.has(oid) || values.size === MOST_ATTRIBUTES) throw refused(`signed attribute ${oid} appears twice`);
    values.set(oid, value);
  }
  const type = onlyValue(values.get(CONTENT_TYPE), DER.oid, 'contentType');
  if (toHex(type) !== DATA) throw refused('its signed attributes are for another type than data');
  return { signed, messageDigest: onlyValue(values.get(MESSAGE_DIGEST), DER.octetString, 'messageDigest') };
}

function onlyValue(set: DerReader | undefined, tag: number, field: string): Uint8Array {
  if (set === undefined) throw refused(`its signed attributes lack ${field}`);
  const value = set.read(tag, field);
  set.end();
  return value;
}

/** X.690 section 11.6. No element is the beginning of another, as each begins with its length. */
function compareSetElements(a: Uint8Array, b: Uint8Array): number {
  const different = a.findIndex((byte, index) => byte !== b[index]);
  return different < 0 ? a.length - b.length : (a[different] ?? 0) - (b[different] ?? 0);
}

function smallNumber(reader: DerReader, field: string): number {
  const [value = 0, ...more] = reader.unsigned(field);
  if (more.length > 0) throw refused(`${field} is over 255`);
  return value;
}

function oidOf(reader: DerReader, field: string): string {
  return toHex(reader.read(DER.oid, field));
}

function refused(reason: string): FormatError {
  return new FormatError('CMS-FORM', `${STRUCTURE}: ${reason}`);
}
