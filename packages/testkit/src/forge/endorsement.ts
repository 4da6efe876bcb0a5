import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { concat } from '@assay/core/bytes';
import { EK_ECC_P256, encodePublic, OBJECT, type EccPublicArea } from '@assay/core/tpm';
import {
  alternativeName,
  AUTHORITY,
  authorityConstraints,
  distinguishedName,
  extendedKeyUsage,
  mintAuthority,
  mintCertificate,
  nameConstraints,
  type Authority,
  type CertificateOptions,
} from '../certificates/index.ts';
import type { ForgedCase } from './case.ts';

/** What a host shows of its endorsement key, and whom the verifier trusts. */
export interface EndorsementBundle {
  /** TPM2B_PUBLIC of the key that the host uses. */
  readonly ekPublic: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  /** When it is verified: milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: number;
}

export type EndorsementCase = ForgedCase<EndorsementBundle>;

const EK_USE = '6781050801';
const WEB_USE = '2b06010505070301';
const NOW = Date.UTC(2026, 0, 1);
const TPM = distinguishedName(['6781050201', 'id:49465800'], ['6781050202', 'SLB9672'], ['6781050203', 'id:0010']);
const EXTENSIONS = [alternativeName(TPM), extendedKeyUsage(EK_USE)];

const ROOT = mintAuthority('Maker');
const FACTORY = mintAuthority('Factory', ROOT);
const KEY = endorsementKey();

/** Endorsement certificates that must lend no trust, made anew. */
export function endorsementAttacks(): EndorsementCase[] {
  return [...areas(), ...leaves(), ...authorities(), ...encodings()];
}

/** Endorsement certificates that are sound. */
export function endorsementsToAccept(): EndorsementCase[] {
  return [
    accept('of a TPM below its factory below its maker', {}),
    accept('of a TPM whose factory is itself trusted', { intermediates: [], roots: [FACTORY.certificate.raw] }),
    accept('that allows any use', { certificate: certificate({ extensions: [extendedKeyUsage('551d2500')] }) }),
    accept('that names no use', { certificate: certificate({ extensions: [alternativeName(TPM)] }) }),
  ];
}

function endorsementKey(): { area: EccPublicArea; key: KeyObject } {
  const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return { area: { ...EK_ECC_P256, x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') }, key };
}

function bundle(change: Partial<EndorsementBundle>): EndorsementBundle {
  return {
    ekPublic: encodePublic(KEY.area),
    certificate: certificate({}),
    intermediates: [FACTORY.certificate.raw],
    roots: [ROOT.certificate.raw],
    now: NOW,
    ...change,
  };
}

/** Certificates of this kind have an empty subject: their name is the alternative one. */
function certificate(options: Partial<CertificateOptions>): Uint8Array {
  return mintCertificate({ key: KEY.key, issuer: FACTORY, extensions: EXTENSIONS, ...options });
}

function accept(name: string, change: Partial<EndorsementBundle>): EndorsementCase {
  return { number: 30, name, answer: 'accept', bundle: bundle(change) };
}

function attack(number: number, name: string, answer: string, change: Partial<EndorsementBundle>): EndorsementCase {
  return { number, name, answer, bundle: bundle(change) };
}

function areas(): EndorsementCase[] {
  const other = encodePublic(endorsementKey().area);
  const importable = encodePublic({ ...KEY.area, attributes: KEY.area.attributes & ~OBJECT.FIXED_TPM });
  const noPolicy = encodePublic({ ...KEY.area, authPolicy: new Uint8Array(0) });
  return [
    attack(24, 'a key from elsewhere behind the certificate of a TPM', 'EK-CERTIFICATE', { ekPublic: other }),
    attack(25, 'a key that may leave its TPM', 'EK-UNTRUSTED', { ekPublic: importable }),
    attack(25, 'a key without the policy of endorsement keys', 'EK-UNTRUSTED', { ekPublic: noPolicy }),
  ];
}

function leaves(): EndorsementCase[] {
  const self = { name: distinguishedName(['550403', 'TPM']), key: KEY.key };
  const unknown = { oid: '2a030405', critical: true, value: Uint8Array.of(5, 0) };
  const changes: Readonly<Record<string, readonly [code: string, options: Partial<CertificateOptions>]>> = {
    'that its own key signed': ['CERT-CHAIN', { issuer: self, subject: self.name }],
    'of an authority': ['CERT-AUTHORITY', { extensions: [...EXTENSIONS, AUTHORITY] }],
    'that expired': ['CERT-VALIDITY', { notAfter: '20251231235959Z' }],
    'of the future': ['CERT-VALIDITY', { notBefore: '20260101000001Z' }],
    'for web servers': ['CERT-USE', { extensions: [extendedKeyUsage(WEB_USE)] }],
    'with an unknown critical extension': ['CERT-EXTENSION', { extensions: [...EXTENSIONS, unknown] }],
    'signed with SHA-1': ['CERT-ALGORITHM', { hash: 'sha1' }],
    'whose issuer has the right name and another key': ['CERT-SIGNATURE', { issuer: mintAuthority('Factory') }],
  };
  return Object.entries(changes).map(([name, [code, options]]) =>
    attack(30, `a certificate ${name}`, code, { certificate: certificate(options) }),
  );
}

function authorities(): EndorsementCase[] {
  const narrow = mintAuthority('Narrow', ROOT, { extensions: [authorityConstraints(0)] });
  const other = distinguishedName(['6781050201', 'id:53544d20']);
  return [
    below('a tenant who was made no authority', 'CERT-AUTHORITY', mintAuthority('Tenant', ROOT, { extensions: [] })),
    below('an authority that expired', 'CERT-VALIDITY', mintAuthority('Old', ROOT, { notAfter: '20251231235959Z' })),
    below(
      'an authority for web servers',
      'CERT-USE',
      mintAuthority('Web', ROOT, { extensions: [AUTHORITY, extendedKeyUsage(WEB_USE)] }),
    ),
    below(
      'an authority of another maker',
      'CERT-NAME',
      mintAuthority('Other', ROOT, { extensions: [AUTHORITY, nameConstraints([other])] }),
    ),
    below('more authorities than one allows', 'CERT-AUTHORITY', mintAuthority('Below', narrow), [narrow]),
    ...loops(),
  ];
}

function below(name: string, code: string, issuer: Authority, above: readonly Authority[] = []): EndorsementCase {
  const intermediates = [issuer, ...above].map((one) => one.certificate.raw);
  return attack(30, `a certificate below ${name}`, code, { certificate: certificate({ issuer }), intermediates });
}

function loops(): EndorsementCase[] {
  const [one, two] = [mintAuthority('One'), mintAuthority('Two')];
  const crossed = (subject: Authority, issuer: Authority): Uint8Array =>
    mintCertificate({ subject: subject.name, key: subject.key, issuer, extensions: [AUTHORITY] });
  const loop = [crossed(one, two), crossed(two, one)];
  const many = Array.from({ length: 1000 }, () => FACTORY.certificate.raw);
  return [
    attack(30, 'two authorities that vouch for each other', 'CERT-CHAIN', {
      certificate: certificate({ issuer: one }),
      intermediates: loop,
    }),
    attack(30, 'a thousand certificates', 'BYTES-LIMIT', { intermediates: many }),
  ];
}

function encodings(): EndorsementCase[] {
  const whole = certificate({});
  return [
    ...[0, 0xff].map((fill) =>
      attack(31, `bytes of 0x${fill.toString(16)} behind the certificate`, 'DER-FORM', {
        certificate: concat([whole, new Uint8Array(16).fill(fill)]),
      }),
    ),
    attack(31, 'a certificate cut short', 'DER-FORM', { certificate: whole.subarray(0, -1) }),
    attack(31, 'a negative serial number', 'DER-FORM', { certificate: certificate({ serial: Uint8Array.of(0x80) }) }),
    attack(31, 'a length that is not the shortest', 'DER-FORM', {
      certificate: concat([Uint8Array.of(0x30, 0x83, 0), whole.subarray(2)]),
    }),
  ];
}
