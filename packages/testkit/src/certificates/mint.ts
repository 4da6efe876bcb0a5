import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { concat, fromHex, utf8 } from '@assay/core/bytes';
import { DER, derElement, derUnsigned, parseCertificate, type ParsedCertificate } from '@assay/core/keys';

/** Whoever can sign certificates: an authority, or a forger who calls himself one. */
export interface Issuer {
  /** Name in DER. */
  readonly name: Uint8Array;
  readonly key: KeyObject;
}

export interface Extension {
  /** Content octets of the identifier in hexadecimal. */
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}

export interface CertificateOptions {
  /** Name in DER; by default an empty one. */
  readonly subject?: Uint8Array;
  /** SubjectPublicKeyInfo in DER, or a key of which it is taken. */
  readonly key: KeyObject | Uint8Array;
  readonly issuer: Issuer;
  readonly extensions?: readonly Extension[];
  readonly serial?: Uint8Array;
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Of the signature; a name of OpenSSL. Algorithms other than these four are not written here. */
  readonly hash?: 'md5' | 'sha1' | 'sha256' | 'sha384';
}

const RSA_SIGNATURES = { md5: '04', sha1: '05', sha256: '0b', sha384: '0c' };
const ECDSA_SIGNATURES = {
  md5: undefined,
  sha1: '2a8648ce3d0401',
  sha256: '2a8648ce3d040302',
  sha384: '2a8648ce3d040303',
};

/** A certificate as told, sound or not: what a hostile authority could sign too. */
export function mintCertificate(options: CertificateOptions): Uint8Array<ArrayBuffer> {
  const { subject = distinguishedName(), issuer, extensions = [], hash = 'sha256' } = options;
  const algorithm = algorithmIdentifier(issuer.key, hash);
  const tbs = derElement(
    DER.sequence,
    derElement(DER.context(0), derUnsigned(Uint8Array.of(2))),
    derElement(DER.integer, options.serial ?? Uint8Array.of(1)),
    algorithm,
    issuer.name,
    derElement(DER.sequence, time(options.notBefore ?? '20200101000000Z'), time(options.notAfter ?? '99991231235959Z')),
    subject,
    options.key instanceof Uint8Array ? options.key : keyInfo(options.key),
    ...(extensions.length === 0
      ? []
      : [derElement(DER.context(3), derElement(DER.sequence, ...extensions.map(encoded)))]),
  );
  const signature = sign(hash, tbs, issuer.key);
  return derElement(DER.sequence, tbs, algorithm, derElement(DER.bitString, Uint8Array.of(0), signature));
}

/** An authority of one's own, with its certificate: self-signed, or signed by another. */
export interface Authority extends Issuer {
  readonly certificate: ParsedCertificate;
}

export function mintAuthority(commonName: string, by?: Issuer, options: Partial<CertificateOptions> = {}): Authority {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName(['550403', commonName]);
  const own = { name, key: privateKey };
  const extensions = [AUTHORITY, CERTIFICATE_SIGNING];
  const der = mintCertificate({ subject: name, key: privateKey, issuer: by ?? own, extensions, ...options });
  return { ...own, certificate: parseCertificate(der) };
}

/** Name in DER: its attributes in order, identifier and value each. */
export function distinguishedName(
  ...attributes: readonly (readonly [oid: string, value: string])[]
): Uint8Array<ArrayBuffer> {
  const parts = attributes.map(([oid, value]) =>
    derElement(
      DER.set,
      derElement(DER.sequence, derElement(DER.oid, fromHex(oid)), derElement(DER.utf8String, utf8(value))),
    ),
  );
  return derElement(DER.sequence, ...parts);
}

/** basicConstraints of an authority; below it at most `pathLength` further ones. */
export function authorityConstraints(pathLength?: number): Extension {
  const length = pathLength === undefined ? [] : [derUnsigned(Uint8Array.of(pathLength))];
  const value = derElement(DER.sequence, derElement(DER.boolean, Uint8Array.of(0xff)), ...length);
  return { oid: '551d13', critical: true, value };
}

export const AUTHORITY = authorityConstraints();
export const CERTIFICATE_SIGNING: Extension = {
  oid: '551d0f',
  critical: true,
  value: derElement(DER.bitString, Uint8Array.of(2, 0x04)),
};

/** extendedKeyUsage of these purposes, content octets in hexadecimal. */
export function extendedKeyUsage(...uses: readonly string[]): Extension {
  return { oid: '551d25', value: derElement(DER.sequence, ...uses.map((use) => derElement(DER.oid, fromHex(use)))) };
}

/** subjectAltName with one directoryName. */
export function alternativeName(name: Uint8Array): Extension {
  return { oid: '551d11', critical: true, value: derElement(DER.sequence, derElement(DER.context(4), name)) };
}

/** nameConstraints that permit and exclude names below these directories. */
export function nameConstraints(permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = []): Extension {
  const subtrees = (tag: number, names: readonly Uint8Array[]): Uint8Array[] =>
    names.length === 0
      ? []
      : [
          derElement(
            DER.context(tag),
            ...names.map((name) => derElement(DER.sequence, derElement(DER.context(4), name))),
          ),
        ];
  return {
    oid: '551d1e',
    critical: true,
    value: derElement(DER.sequence, ...subtrees(0, permitted), ...subtrees(1, excluded)),
  };
}

function algorithmIdentifier(key: KeyObject, hash: NonNullable<CertificateOptions['hash']>): Uint8Array {
  const oid = key.asymmetricKeyType === 'rsa' ? `2a864886f70d0101${RSA_SIGNATURES[hash]}` : ECDSA_SIGNATURES[hash];
  if (oid === undefined) throw new TypeError(`no ECDSA with ${hash}`);
  const parameters = key.asymmetricKeyType === 'rsa' ? [derElement(DER.null)] : [];
  return derElement(DER.sequence, derElement(DER.oid, fromHex(oid)), ...parameters);
}

function keyInfo(key: KeyObject): Uint8Array {
  return createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }).toString()).export({
    type: 'spki',
    format: 'der',
  });
}

function time(text: string): Uint8Array {
  return derElement(DER.generalizedTime, utf8(text));
}

function encoded({ oid, critical = false, value }: Extension): Uint8Array {
  const flag = critical ? [derElement(DER.boolean, Uint8Array.of(0xff))] : [];
  return derElement(
    DER.sequence,
    concat([derElement(DER.oid, fromHex(oid)), ...flag, derElement(DER.octetString, value)]),
  );
}
