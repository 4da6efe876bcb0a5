import { concat, fromHex, toHex } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { isOnCurve } from './curves.ts';
import { DER, DerReader, derElement, derUnsigned } from './der.ts';
import { CURVE_SIZES, type Curve, type EccPublicKey, type PublicKey, type RsaPublicKey } from './types.ts';

/** What labels need of an X.509 certificate. Its signature, dates and extensions are not checked. */
export interface ParsedCertificate {
  readonly raw: Uint8Array;
  /** Name in DER. */
  readonly subject: Uint8Array;
  readonly publicKey: PublicKey;
  readonly subjectKeyIdentifier?: Uint8Array;
}

const RSA_OID = '2a864886f70d010101';
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
  const tbs = certificate.enter(DER.sequence, 'tbsCertificate');
  certificate.read(DER.sequence, 'signatureAlgorithm');
  certificate.read(DER.bitString, 'signatureValue');
  certificate.end();
  if (tbs.nextTag === DER.context(0)) tbs.read(DER.context(0), 'version');
  tbs.read(DER.integer, 'serialNumber');
  for (const field of ['signature', 'issuer', 'validity']) tbs.read(DER.sequence, field);
  const subject = derElement(DER.sequence, tbs.read(DER.sequence, 'subject'));
  const publicKey = readKeyInfo(tbs);
  for (const tag of [0x81, 0x82]) if (tbs.nextTag === tag) tbs.read(tag, 'unique identifier');
  const identifier = tbs.nextTag === DER.context(3) ? readKeyIdentifier(tbs) : undefined;
  tbs.end();
  return { raw: der, subject, publicKey, ...(identifier === undefined ? {} : { subjectKeyIdentifier: identifier }) };
}

/** SubjectPublicKeyInfo in DER, as `openssl pkey -pubout` writes it. @throws FormatError DER-FORM, KEY-UNKNOWN */
export function parsePublicKey(der: Uint8Array): PublicKey {
  const outer = new DerReader(der, 'public key');
  const key = readKeyInfo(outer);
  outer.end();
  return key;
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
  if (bits[0] !== 0) throw new FormatError('DER-FORM', 'public key: its bits are not whole bytes');
  const key = readKey(algorithm, bits.subarray(1));
  algorithm.end();
  return key;
}

function readKey(algorithm: DerReader, bits: Uint8Array): PublicKey {
  const oid = toHex(algorithm.read(DER.oid, 'algorithm'));
  if (oid === RSA_OID) {
    if (algorithm.read(DER.null, 'parameters').length > 0) throw new FormatError('DER-FORM', 'NULL has content');
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

function readKeyIdentifier(tbs: DerReader): Uint8Array | undefined {
  const outer = tbs.enter(DER.context(3), 'extensions');
  const extensions = outer.enter(DER.sequence, 'Extensions');
  outer.end();
  const seen = new Set<string>();
  let identifier: Uint8Array | undefined;
  while (extensions.nextTag !== undefined) {
    const { oid, value } = readExtension(extensions);
    if (seen.has(oid)) throw new FormatError('DER-FORM', `certificate: extension ${oid} appears twice`);
    seen.add(oid);
    if (oid !== SUBJECT_KEY_IDENTIFIER_OID) continue;
    const inner = new DerReader(value, 'subjectKeyIdentifier');
    identifier = inner.read(DER.octetString, 'KeyIdentifier');
    inner.end();
  }
  return identifier;
}

function readExtension(extensions: DerReader): { oid: string; value: Uint8Array } {
  const extension = extensions.enter(DER.sequence, 'Extension');
  const oid = toHex(extension.read(DER.oid, 'extnID'));
  if (extension.nextTag === DER.boolean) extension.read(DER.boolean, 'critical');
  const value = extension.read(DER.octetString, 'extnValue');
  extension.end();
  return { oid, value };
}
