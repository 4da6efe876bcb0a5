import { fromHex } from '../bytes/index.ts';
import type { HashName } from '../hash/index.ts';
import type { Curve } from '../keys/index.ts';
import { OBJECT } from './constants.ts';
import type { AesCfb, SigningScheme } from './structures/algorithms.ts';
import type { EccPublicArea, KeyedHashPublicArea, RsaPublicArea } from './structures/public.ts';

const NONE = new Uint8Array(0);

/** PolicySecret of the endorsement hierarchy, SHA-256 (TCG EK Credential Profile, annex B.6.2 "PolicyA"). */
const POLICY_A = fromHex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa');

/** PolicyA, or what NV index 0x01C07F01 to 0x01C07F03 holds (same place, B.6.5 "PolicyB"). */
const POLICY_B = {
  sha256: fromHex('ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0'),
  sha384: fromHex('b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12'),
  sha512: fromHex(
    'b8221ca69e8550a4914de3faa6a18c072cc01208073a928d5d66d59ef79e49a429c41a6b269571d57edb25fbdb1838425608b413cd616a5f6db5b6071af99bea',
  ),
} as const;

const STAYS_HERE = OBJECT.FIXED_TPM | OBJECT.FIXED_PARENT | OBJECT.SENSITIVE_DATA_ORIGIN;

/** Low range: for the use by policy alone. */
const LOW = {
  nameAlg: 'sha256',
  attributes: STAYS_HERE | OBJECT.ADMIN_WITH_POLICY | OBJECT.RESTRICTED | OBJECT.DECRYPT,
  authPolicy: POLICY_A,
  symmetric: { keyBits: 128 },
  scheme: null,
} as const;

/** High range: for the use by the empty password too. */
function high(nameAlg: keyof typeof POLICY_B, keyBits: AesCfb['keyBits']) {
  return {
    nameAlg,
    attributes: LOW.attributes | OBJECT.USER_WITH_AUTH,
    authPolicy: POLICY_B[nameAlg],
    symmetric: { keyBits },
    scheme: null,
  } as const;
}

function rsa(keyBits: number, modulus = NONE): Pick<RsaPublicArea, 'type' | 'keyBits' | 'exponent' | 'modulus'> {
  return { type: 'rsa', keyBits, exponent: 0, modulus };
}

function ecc(curve: Curve, size = 0): Pick<EccPublicArea, 'type' | 'curve' | 'x' | 'y'> {
  return { type: 'ecc', curve, x: new Uint8Array(size), y: new Uint8Array(size) };
}

/** EK template L-1 (TCG EK Credential Profile, annex B.3.3). */
export const EK_RSA_2048: RsaPublicArea = { ...rsa(2048, new Uint8Array(256)), ...LOW };

/** EK template L-2 (TCG EK Credential Profile, annex B.3.4). */
export const EK_ECC_P256: EccPublicArea = { ...ecc('p256', 32), ...LOW };

export type EkTemplateName = 'L-1' | 'L-2' | 'H-1' | 'H-2' | 'H-3' | 'H-4' | 'H-6' | 'H-7';

export interface EkTemplate {
  readonly area: RsaPublicArea | EccPublicArea;
  /** NV index of the certificate, and of the template where a TPM has its own. */
  readonly certificateIndex: number;
  readonly templateIndex: number;
  /** NV index of what stands in the field `unique` of the template; the low range alone has one. */
  readonly nonceIndex?: number;
}

/**
 * The templates of endorsement keys (TCG EK Credential Profile 2.5, annexes B.3 and B.4) but H-5, whose SM2, SM3 and
 * SM4 no TPM has that could be tried.
 */
export const EK_TEMPLATES: Readonly<Record<EkTemplateName, EkTemplate>> = {
  'L-1': { area: EK_RSA_2048, certificateIndex: 0x01c00002, templateIndex: 0x01c00004, nonceIndex: 0x01c00003 },
  'L-2': { area: EK_ECC_P256, certificateIndex: 0x01c0000a, templateIndex: 0x01c0000c, nonceIndex: 0x01c0000b },
  'H-1': { area: { ...rsa(2048), ...high('sha256', 128) }, certificateIndex: 0x01c00012, templateIndex: 0x01c00013 },
  'H-2': { area: { ...ecc('p256'), ...high('sha256', 128) }, certificateIndex: 0x01c00014, templateIndex: 0x01c00015 },
  'H-3': { area: { ...ecc('p384'), ...high('sha384', 256) }, certificateIndex: 0x01c00016, templateIndex: 0x01c00017 },
  'H-4': { area: { ...ecc('p521'), ...high('sha512', 256) }, certificateIndex: 0x01c00018, templateIndex: 0x01c00019 },
  'H-6': { area: { ...rsa(3072), ...high('sha384', 256) }, certificateIndex: 0x01c0001c, templateIndex: 0x01c0001d },
  'H-7': { area: { ...rsa(4096), ...high('sha384', 256) }, certificateIndex: 0x01c0001e, templateIndex: 0x01c0001f },
};

/**
 * A restricted signing key that never leaves its TPM. Unlike that of tpm2_createak it is exempt from dictionary attack
 * protection: it has no password that could be guessed, and a TPM counts each power loss against a key that is not
 * (TPM 2.0 Part 1, section 19.8), so a few crashes would lock the host out of its own attestation.
 */
function attestationKey(nameAlg: HashName, scheme: SigningScheme) {
  return {
    nameAlg,
    attributes: STAYS_HERE | OBJECT.USER_WITH_AUTH | OBJECT.NO_DA | OBJECT.RESTRICTED | OBJECT.SIGN,
    authPolicy: NONE,
    symmetric: null,
    scheme,
  } as const;
}

export const AK_ECC_P256: EccPublicArea = {
  ...ecc('p256'),
  ...attestationKey('sha256', { scheme: 'ecdsa', hash: 'sha256' }),
};

export type AkTemplateName =
  | 'ecdsa-p256'
  | 'ecdsa-p384'
  | 'ecdsa-p521'
  | 'rsassa-2048'
  | 'rsassa-3072'
  | 'rsapss-2048'
  | 'rsapss-3072';

/** Attestation keys by how they sign; names are by the hash of the signature. */
export const AK_TEMPLATES: Readonly<Record<AkTemplateName, RsaPublicArea | EccPublicArea>> = {
  'ecdsa-p256': AK_ECC_P256,
  'ecdsa-p384': { ...ecc('p384'), ...attestationKey('sha384', { scheme: 'ecdsa', hash: 'sha384' }) },
  'ecdsa-p521': { ...ecc('p521'), ...attestationKey('sha512', { scheme: 'ecdsa', hash: 'sha512' }) },
  'rsassa-2048': { ...rsa(2048), ...attestationKey('sha256', { scheme: 'rsassa', hash: 'sha256' }) },
  'rsassa-3072': { ...rsa(3072), ...attestationKey('sha384', { scheme: 'rsassa', hash: 'sha384' }) },
  'rsapss-2048': { ...rsa(2048), ...attestationKey('sha256', { scheme: 'rsapss', hash: 'sha256' }) },
  'rsapss-3072': { ...rsa(3072), ...attestationKey('sha384', { scheme: 'rsapss', hash: 'sha384' }) },
};

/**
 * The storage key of the owner hierarchy under which data are sealed: template H-2 as a storage key, which is what
 * files of the form "TSS2 PRIVATE KEY" mean by a parent of 0x40000001 (TCG Provisioning Guidance, 7.5.1).
 */
export const SRK_ECC_P256: EccPublicArea = {
  ...ecc('p256'),
  nameAlg: 'sha256',
  attributes: STAYS_HERE | OBJECT.USER_WITH_AUTH | OBJECT.NO_DA | OBJECT.RESTRICTED | OBJECT.DECRYPT,
  authPolicy: NONE,
  symmetric: { keyBits: 128 },
  scheme: null,
};

/**
 * Sealed data. With a password they are protected against guessing (no noDA): a TPM refuses after some wrong ones.
 * @param authPolicy that opens it; empty: the password does
 * @param hasPassword whether there is one, by itself or in the policy
 */
export function sealedTemplate(nameAlg: HashName, authPolicy: Uint8Array, hasPassword: boolean): KeyedHashPublicArea {
  const byPassword = authPolicy.length === 0 ? OBJECT.USER_WITH_AUTH : 0;
  const unguarded = hasPassword ? 0 : OBJECT.NO_DA;
  return {
    type: 'keyedhash',
    nameAlg,
    attributes: OBJECT.FIXED_TPM | OBJECT.FIXED_PARENT | unguarded | byPassword,
    authPolicy,
    hmac: null,
    unique: NONE,
  };
}
