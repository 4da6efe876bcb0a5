import { concat, equalBytes, fromHex, toHex } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { isOnCurve } from './curves.ts';
import { DER, DerReader, derElement, derUnsigned } from './der.ts';
import { readValidity, type Validity } from './validity.ts';
import { CURVE_SIZES, type Curve, type EccPublicKey, type PublicKey, type RsaPublicKey } from './types.ts';

/** An X.509 certificate. Nothing of it is checked here: not its signature, dates or extensions. */
export interface ParsedCertificate {
  readonly raw: Uint8Array;
  /** What the signature is over. */
  readonly tbs: Uint8Array;
  /** Big-endian, not negative. */
  readonly serialNumber: Uint8Array;
  /** AlgorithmIdentifier in DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  /** Names in DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly validity: Validity;
  readonly publicKey: PublicKey;
  /** By identifier, content octets in hexadecimal. */
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
  readonly subjectKeyIdentifier?: Uint8Array;
}

export interface CertificateExtension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

const RSA_OID = '2a864886f70d010101';
/** id-RSAES-OAEP of RFC 4055: the same key, restricted to encryption; makers of TPMs used it in endorsement certificates. */
const RSA_OAEP_OID = '2a864886f70d010107';
const EC_OID = '2a8648ce3d0201';
const OID_OF_CURVE: Readonly<Record<Curve, string>> = {
  p256: '2a8648ce3d030107',
  p384: '2b81040022',
  p521: '2b81040023',
};
const CURVE_OF_OID: ReadonlyMap<string, Curve> = new Map([
  [OID_OF_CURVE.p256, 'p256'],
  [OID_OF_CURVE.p384, 'p384'],
  [OID_OF_CURVE.p521, 'p521'],
]);
const SUBJECT_KEY_IDENTIFIER_OID = '551d0e';
const UNCOMPRESSED = 4;
const LARGEST_EXPONENT_BYTES = 4;
/** 16384 bits: OpenSSL computes with no larger modulus (OPENSSL_RSA_MAX_MODULUS_BITS). */
const LARGEST_MODULUS_BYTES = 2048;

/** Certificate of RFC 5280 section 4.1 in DER, with an RSA or ECDSA key. @throws FormatError DER-FORM, KEY-UNKNOWN */
export function parseCertificate(der: Uint8Array): ParsedCertificate {
  const outer = new DerReader(der, 'certificate');
  const certificate = outer.enter(DER.sequence, 'Certificate');
  outer.end();
  const tbs = certificate.element(DER.sequence, 'tbsCertificate');
  const signatureAlgorithm = certificate.element(DER.sequence, 'signatureAlgorithm');
  const signature = wholeBytes(certificate.read(DER.bitString, 'signatureValue'));
  certificate.end();
  const fields = readFields(tbs, readKeyInfo);
  // RFC 5280 section 4.1.1.2: the algorithm outside is not signed, the one inside is.
  if (!equalBytes(fields.innerAlgorithm, signatureAlgorithm)) {
    throw new FormatError('DER-FORM', 'certificate: it names two algorithms for one signature');
  }
  return { raw: der, tbs, signatureAlgorithm, signature, ...fields };
}

/** What names a key in labels: of a certificate whose kind of key need not be known here. */
export interface CertificateOutline {
  /** SubjectPublicKeyInfo in DER. */
  readonly keyInfo: Uint8Array;
  readonly subjectKeyIdentifier?: Uint8Array;
}

/** @throws FormatError DER-FORM */
export function parseCertificateOutline(der: Uint8Array): CertificateOutline {
  const outer = new DerReader(der, 'certificate');
  const certificate = outer.enter(DER.sequence, 'Certificate');
  outer.end();
  const tbs = certificate.element(DER.sequence, 'tbsCertificate');
  const { publicKey: keyInfo, subjectKeyIdentifier } = readFields(tbs, (reader) =>
    reader.element(DER.sequence, 'subjectPublicKeyInfo'),
  );
  return { keyInfo, ...(subjectKeyIdentifier === undefined ? {} : { subjectKeyIdentifier }) };
}

function readFields<Key>(bytes: Uint8Array, readPublicKey: (reader: DerReader) => Key) {
  const tbs = new DerReader(bytes, 'certificate').enter(DER.sequence, 'tbsCertificate');
  if (tbs.nextTag === DER.context(0)) tbs.read(DER.context(0), 'version');
  const serialNumber = tbs.unsigned('serialNumber');
  const innerAlgorithm = tbs.element(DER.sequence, 'signature');
  const issuer = tbs.element(DER.sequence, 'issuer');
  const validity = readValidity(tbs.enter(DER.sequence, 'validity'));
  const subject = tbs.element(DER.sequence, 'subject');
  const publicKey = readPublicKey(tbs);
  for (const tag of [0x81, 0x82]) if (tbs.nextTag === tag) tbs.read(tag, 'unique identifier');
  const extensions = tbs.nextTag === DER.context(3) ? readExtensions(tbs) : new Map<string, CertificateExtension>();
  tbs.end();
  const identifier = keyIdentifier(extensions);
  const subjectKeyIdentifier = identifier === undefined ? {} : { subjectKeyIdentifier: identifier };
  return { serialNumber, innerAlgorithm, issuer, validity, subject, publicKey, extensions, ...subjectKeyIdentifier };
}

/** SubjectPublicKeyInfo in DER, as `openssl pkey -pubout` writes it. @throws FormatError DER-FORM, KEY-UNKNOWN */
export function parsePublicKey(der: Uint8Array): PublicKey {
  const outer = new DerReader(der, 'public key');
  const key = readKeyInfo(outer);
  outer.end();
  return key;
}

/** Content of the BIT STRING of a SubjectPublicKeyInfo of any algorithm. @throws FormatError DER-FORM */
export function bitsOfKeyInfo(der: Uint8Array): Uint8Array {
  const outer = new DerReader(der, 'public key');
  const info = outer.enter(DER.sequence, 'subjectPublicKeyInfo');
  outer.end();
  info.read(DER.sequence, 'algorithm');
  const bits = info.read(DER.bitString, 'subjectPublicKey');
  info.end();
  if (bits[0] !== 0) throw new FormatError('DER-FORM', 'public key: its bits are not whole bytes');
  return bits.subarray(1); // After the number of unused bits.
}

/** SubjectPublicKeyInfo in DER (RFC 3279 section 2.3.1, RFC 5480 section 2). */
export function encodePublicKey(key: PublicKey): Uint8Array<ArrayBuffer> {
  const parameters =
    key.kind === 'rsa'
      ? [derElement(DER.oid, fromHex(RSA_OID)), derElement(DER.null)]
      : [derElement(DER.oid, fromHex(EC_OID)), derElement(DER.oid, fromHex(OID_OF_CURVE[key.curve]))];
  const bits = derElement(DER.bitString, Uint8Array.of(0), publicKeyBits(key));
  return derElement(DER.sequence, derElement(DER.sequence, ...parameters), bits);
}

/** Content of the subjectPublicKey BIT STRING: an RSAPublicKey in DER, or the uncompressed point. */
export function publicKeyBits(key: PublicKey): Uint8Array<ArrayBuffer> {
  if (key.kind === 'ecc') return concat([Uint8Array.of(UNCOMPRESSED), key.x, key.y]);
  const exponent = fromHex(key.exponent.toString(16).padStart(2 * LARGEST_EXPONENT_BYTES, '0'));
  return derElement(DER.sequence, derUnsigned(key.modulus), derUnsigned(exponent));
}

function readKeyInfo(reader: DerReader): PublicKey {
  const info = reader.enter(DER.sequence, 'subjectPublicKeyInfo');
  const algorithm = info.enter(DER.sequence, 'algorithm');
  const bits = info.read(DER.bitString, 'subjectPublicKey');
  info.end();
  const key = readKey(algorithm, wholeBytes(bits));
  algorithm.end();
  return key;
}

function wholeBytes(bits: Uint8Array): Uint8Array {
  if (bits[0] !== 0) throw new FormatError('DER-FORM', 'a string of bits is not of whole bytes');
  return bits.subarray(1);
}

function readKey(algorithm: DerReader, bits: Uint8Array): PublicKey {
  const oid = toHex(algorithm.read(DER.oid, 'algorithm'));
  if (oid === RSA_OID) {
    if (algorithm.read(DER.null, 'parameters').length > 0) throw new FormatError('DER-FORM', 'NULL has content');
    return readRsaKey(bits);
  }
  if (oid === RSA_OAEP_OID) {
    algorithm.read(DER.sequence, 'parameters');
    return readRsaKey(bits);
  }
  const curve = oid === EC_OID ? CURVE_OF_OID.get(toHex(algorithm.read(DER.oid, 'curve'))) : undefined;
  if (curve === undefined) throw new FormatError('KEY-UNKNOWN', `public key: algorithm ${oid}, or its curve`);
  return readPoint(curve, bits);
}

function readRsaKey(bits: Uint8Array): RsaPublicKey {
  const outer = new DerReader(bits, 'RSA public key');
  const pair = outer.enter(DER.sequence, 'RSAPublicKey');
  outer.end();
  const [modulus, exponent] = [pair.unsigned('modulus'), pair.unsigned('publicExponent')];
  pair.end();
  if (exponent.length > LARGEST_EXPONENT_BYTES || modulus.length > LARGEST_MODULUS_BYTES) {
    throw new FormatError('KEY-UNKNOWN', 'public key: its exponent has over 32 bits, or its modulus over 16384');
  }
  return { kind: 'rsa', modulus, exponent: Number.parseInt(toHex(exponent), 16) };
}

function readPoint(curve: Curve, bits: Uint8Array): EccPublicKey {
  const size = CURVE_SIZES[curve];
  if (bits.length !== 1 + 2 * size || bits[0] !== UNCOMPRESSED) {
    throw new FormatError('KEY-UNKNOWN', `public key: not an uncompressed point of ${curve}`);
  }
  const key = { kind: 'ecc', curve, x: bits.subarray(1, 1 + size), y: bits.subarray(1 + size) } as const;
  if (!isOnCurve(key)) throw new FormatError('KEY-UNKNOWN', `public key: the point is not on ${curve}`);
  return key;
}

function keyIdentifier(extensions: ReadonlyMap<string, CertificateExtension>): Uint8Array | undefined {
  const value = extensions.get(SUBJECT_KEY_IDENTIFIER_OID)?.value;
  if (value === undefined) return undefined;
  const reader = new DerReader(value, 'subjectKeyIdentifier');
  const identifier = reader.read(DER.octetString, 'KeyIdentifier');
  reader.end();
  return identifier;
}

function readExtensions(tbs: DerReader): Map<string, CertificateExtension> {
  const outer = tbs.enter(DER.context(3), 'extensions');
  const list = outer.enter(DER.sequence, 'Extensions');
  outer.end();
  const extensions = new Map<string, CertificateExtension>();
  while (list.nextTag !== undefined) {
    const extension = list.enter(DER.sequence, 'Extension');
    const oid = toHex(extension.read(DER.oid, 'extnID'));
    if (extensions.has(oid)) throw new FormatError('DER-FORM', `certificate: extension ${oid} appears twice`);
    const critical = extension.nextTag === DER.boolean && isTrue(extension.read(DER.boolean, 'critical'));
    extensions.set(oid, { critical, value: extension.read(DER.octetString, 'extnValue') });
    extension.end();
  }
  return extensions;
}

/** In DER truth is 0xff (X.690 section 11.1). False is written by some makers although it is the default. */
function isTrue(content: Uint8Array): boolean {
  const [value] = content;
  if (content.length === 1 && (value === 0 || value === 0xff)) return value === 0xff;
  throw new FormatError('DER-FORM', 'certificate: a truth value is neither true nor false');
}
