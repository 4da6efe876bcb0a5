import { fromHex, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';
import { encodePublicKey, publicKeyBits } from './certificate.ts';
import { DER, derElement, derUnsigned } from './der.ts';
import type { PublicKey, Signer } from './types.ts';

const COMMON_NAME = fromHex('550403');
const EXTENSIONS = {
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  keyIdentifier: '551d0e',
  authority: '551d23',
  alternativeName: '551d11',
  extendedKeyUsage: '551d25',
};
/** KeyPurposeIds of RFC 5280 section 4.2.1.12. */
export const KEY_PURPOSES = { server: '2b06010505070301', client: '2b06010505070302' } as const;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const LONGEST_NAME = 64;
const LONGEST_SERIAL = 20;

type SignatureHash = Extract<HashName, 'sha256' | 'sha384' | 'sha512'>;

/** Object identifiers of RFC 4055 section 5 and RFC 5758 section 3.2. */
export const SIGNATURE_OIDS: Readonly<Record<PublicKey['kind'], Readonly<Record<SignatureHash, string>>>> = {
  rsa: { sha256: '2a864886f70d01010b', sha384: '2a864886f70d01010c', sha512: '2a864886f70d01010d' },
  ecc: { sha256: '2a8648ce3d040302', sha384: '2a8648ce3d040303', sha512: '2a8648ce3d040304' },
};

export interface CertificateParameters {
  /** Common name, at most 64 characters. */
  readonly name: string;
  readonly publicKey: PublicKey;
  /** Big-endian, positive, at most 20 bytes. */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Of the signature on the certificate. */
  readonly hash: SignatureHash;
  /** What the key may do; by default it signs labels. */
  readonly purpose?: CertificatePurpose;
}

export type CertificatePurpose =
  /** Signs certificates of others, none of which signs further ones. */
  | { readonly kind: 'authority' }
  | { readonly kind: 'client' }
  /** The addresses at which the server is asked: 4 or 16 bytes each; names in ASCII. */
  | { readonly kind: 'server'; readonly names: readonly string[]; readonly addresses: readonly Uint8Array[] };

/** Who signs: the key of the certificate itself, where it is self-signed. */
export interface CertificateIssuer {
  readonly publicKey: PublicKey;
  readonly signer: Signer;
  /** Subject of the issuer's certificate in DER, and its key identifier; none for a self-signed one. */
  readonly certificate?: { readonly subject: Uint8Array; readonly keyIdentifier: Uint8Array };
}

/**
 * A certificate for a key that signs labels, unless the parameters say otherwise, with what the kernel asks for: keyUsage digitalSignature alone, no CA, and an
 * authority key identifier, without which the kernel finds no issuer (crypto/asymmetric_keys/x509_public_key.c and
 * restrict.c). RFC 5280 section 4.1.
 *
 * @throws FormatError KEY-UNKNOWN for a name or serial number that is too long; SystemError SIGNER-FAILED
 */
export async function makeCertificate(
  parameters: CertificateParameters,
  issuer: CertificateIssuer,
  hasher: Hasher,
): Promise<Uint8Array<ArrayBuffer>> {
  const { hash } = parameters;
  return certificateSignedBy(parameters, issuer, hasher, (tbs) => issuer.signer.sign(hash, hasher.digest(hash, tbs)));
}

/**
 * The same, for what signs messages rather than digests.
 * @param sign over the bytes with the hash of the parameters
 * @throws as `makeCertificate`
 */
export async function certificateSignedBy(
  parameters: CertificateParameters,
  issuer: Omit<CertificateIssuer, 'signer'>,
  hasher: Hasher,
  sign: (tbs: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, publicKey, serial, hash, purpose } = parameters;
  const length = Array.from(name).length;
  if (length === 0 || length > LONGEST_NAME || serial.length > LONGEST_SERIAL) {
    throw new FormatError('KEY-UNKNOWN', 'certificate: names have 1 to 64 characters, serial numbers at most 20 bytes');
  }
  const identifier = hasher.digest('sha1', publicKeyBits(publicKey));
  const algorithm = algorithmIdentifier(issuer.publicKey.kind, hash);
  const tbs = derElement(
    DER.sequence,
    derElement(DER.context(0), derUnsigned(Uint8Array.of(2))),
    derUnsigned(serial),
    algorithm,
    issuer.certificate?.subject ?? commonName(name),
    derElement(DER.sequence, time(parameters.notBefore), time(parameters.notAfter)),
    commonName(name),
    encodePublicKey(publicKey),
    extensions(identifier, issuer.certificate?.keyIdentifier ?? identifier, purpose),
  );
  const signature = await sign(tbs);
  return derElement(DER.sequence, tbs, algorithm, derElement(DER.bitString, Uint8Array.of(0), signature));
}

function algorithmIdentifier(kind: PublicKey['kind'], hash: SignatureHash): Uint8Array {
  const oid = derElement(DER.oid, fromHex(SIGNATURE_OIDS[kind][hash]));
  return derElement(DER.sequence, oid, ...(kind === 'rsa' ? [derElement(DER.null)] : []));
}

function commonName(name: string): Uint8Array {
  const pair = derElement(DER.sequence, derElement(DER.oid, COMMON_NAME), derElement(DER.utf8String, utf8(name)));
  return derElement(DER.sequence, derElement(DER.set, pair));
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`;
  const short = date.getUTCFullYear() >= 1950 && date.getUTCFullYear() < 2050;
  return derElement(short ? DER.utcTime : DER.generalizedTime, utf8(short ? digits.slice(2) : digits));
}

function extensions(
  identifier: Uint8Array,
  authority: Uint8Array,
  purpose: CertificatePurpose | undefined,
): Uint8Array {
  const list = [
    ...(purpose?.kind === 'authority' ? AUTHORITY : SIGNING),
    extension(EXTENSIONS.keyIdentifier, false, derElement(DER.octetString, identifier)),
    extension(EXTENSIONS.authority, false, derElement(DER.sequence, derElement(0x80, authority))),
    ...purposeExtensions(purpose),
  ];
  return derElement(DER.context(3), derElement(DER.sequence, ...list));
}

/** No authority; keyUsage digitalSignature alone. */
const SIGNING = [
  extension(EXTENSIONS.basicConstraints, true, derElement(DER.sequence)),
  extension(EXTENSIONS.keyUsage, true, derElement(DER.bitString, Uint8Array.of(7, 0x80))),
];

/** An authority with no other below it; keyUsage keyCertSign alone. */
const AUTHORITY = [
  extension(
    EXTENSIONS.basicConstraints,
    true,
    derElement(DER.sequence, derElement(DER.boolean, Uint8Array.of(0xff)), derUnsigned(Uint8Array.of(0))),
  ),
  extension(EXTENSIONS.keyUsage, true, derElement(DER.bitString, Uint8Array.of(2, 0x04))),
];

function purposeExtensions(purpose: CertificatePurpose | undefined): Uint8Array[] {
  if (purpose === undefined || purpose.kind === 'authority') return [];
  const use = derElement(DER.sequence, derElement(DER.oid, fromHex(KEY_PURPOSES[purpose.kind])));
  const extended = extension(EXTENSIONS.extendedKeyUsage, false, use);
  if (purpose.kind === 'client') return [extended];
  const names = [
    ...purpose.names.map((name) => derElement(DNS_NAME, utf8(name))),
    ...purpose.addresses.map((address) => derElement(IP_ADDRESS, address)),
  ];
  return [extended, extension(EXTENSIONS.alternativeName, false, derElement(DER.sequence, ...names))];
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [derElement(DER.boolean, Uint8Array.of(0xff))] : [];
  return derElement(DER.sequence, derElement(DER.oid, fromHex(oid)), ...flag, derElement(DER.octetString, value));
}
