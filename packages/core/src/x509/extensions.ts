import { toHex } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { DER, DerReader, type ParsedCertificate } from '../keys/index.ts';

/** Object identifiers of extensions (RFC 5280 section 4.2), content octets in hexadecimal. */
export const EXTENSION = {
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  nameConstraints: '551d1e',
  certificatePolicies: '551d20',
  extendedKeyUsage: '551d25',
} as const;

/** What path validation makes of them; a certificate with another critical extension is refused. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION));
/** anyExtendedKeyUsage (RFC 5280 section 4.2.1.12). */
const ANY_USE = '551d2500';
/** Bits 0 and 5 of KeyUsage, counted from the most significant (RFC 5280 section 4.2.1.3). */
const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;

export interface BasicConstraints {
  readonly authority: boolean;
  /** How many intermediate certificates may follow; undefined for any number. */
  readonly pathLength?: number;
}

/** Name of a critical extension that is not understood, as hexadecimal of its identifier. */
export function unknownCriticalExtension(certificate: ParsedCertificate): string | undefined {
  for (const [oid, { critical }] of certificate.extensions) if (critical && !UNDERSTOOD.has(oid)) return oid;
  return undefined;
}

/** RFC 5280 section 4.2.1.9. @throws FormatError DER-FORM */
export function basicConstraints(certificate: ParsedCertificate): BasicConstraints {
  const value = certificate.extensions.get(EXTENSION.basicConstraints)?.value;
  if (value === undefined) return { authority: false };
  const sequence = contentOf(value, 'basicConstraints');
  const authority = sequence.nextTag === DER.boolean && sequence.read(DER.boolean, 'cA')[0] === 0xff;
  const length = sequence.nextTag === DER.integer ? sequence.unsigned('pathLenConstraint') : undefined;
  sequence.end();
  if (length === undefined) return { authority };
  if (length.length > 1) throw new FormatError('DER-FORM', 'certificate: pathLenConstraint is over 255');
  return { authority, pathLength: length[0] ?? 0 };
}

/** Whether the key may sign certificates: where no keyUsage restricts it, any may. @throws FormatError DER-FORM */
export function maySignCertificates(certificate: ParsedCertificate): boolean {
  return mayBeUsed(certificate, KEY_CERT_SIGN);
}

/** Whether the key may sign what is no certificate. @throws FormatError DER-FORM */
export function mayBeUsedToSign(certificate: ParsedCertificate): boolean {
  return mayBeUsed(certificate, DIGITAL_SIGNATURE);
}

/** Whether it restricts what the key may do. */
export function hasKeyUsage({ extensions }: ParsedCertificate): boolean {
  return extensions.has(EXTENSION.keyUsage);
}

function mayBeUsed(certificate: ParsedCertificate, usage: number): boolean {
  const value = certificate.extensions.get(EXTENSION.keyUsage)?.value;
  if (value === undefined) return true;
  const reader = new DerReader(value, 'keyUsage');
  const bits = reader.read(DER.bitString, 'KeyUsage');
  reader.end();
  return ((bits[1] ?? 0) & usage) !== 0;
}

/** Whether the key may be used so: where no extendedKeyUsage restricts it, it may. @throws FormatError DER-FORM */
export function mayBeUsedFor(certificate: ParsedCertificate, use: string): boolean {
  const value = certificate.extensions.get(EXTENSION.extendedKeyUsage)?.value;
  if (value === undefined) return true;
  const uses = contentOf(value, 'extendedKeyUsage');
  const named: string[] = [];
  while (uses.nextTag !== undefined) named.push(toHex(uses.read(DER.oid, 'KeyPurposeId')));
  return named.includes(use) || named.includes(ANY_USE);
}

/** Elements inside the one SEQUENCE that an extension's value is. @throws FormatError DER-FORM */
export function contentOf(value: Uint8Array, name: string): DerReader {
  const outer = new DerReader(value, name);
  const inner = outer.enter(DER.sequence, name);
  outer.end();
  return inner;
}
