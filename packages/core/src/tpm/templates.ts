import { fromHex } from '../bytes/index.ts';
import { OBJECT } from './constants.ts';
import type { EccPublicArea, RsaPublicArea } from './structures/public.ts';

/** PolicySecret of the endorsement hierarchy, SHA-256 (TCG EK Credential Profile, annex B.6.2 "PolicyA"). */
const EK_POLICY = fromHex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa');

const EK_COMMON = {
  nameAlg: 'sha256',
  attributes:
    OBJECT.FIXED_TPM |
    OBJECT.FIXED_PARENT |
    OBJECT.SENSITIVE_DATA_ORIGIN |
    OBJECT.ADMIN_WITH_POLICY |
    OBJECT.RESTRICTED |
    OBJECT.DECRYPT,
  authPolicy: EK_POLICY,
  symmetric: { keyBits: 128 },
  scheme: null,
} as const;

/** EK template L-1 (TCG EK Credential Profile, annex B.3.3). */
export const EK_RSA_2048: RsaPublicArea = {
  type: 'rsa',
  ...EK_COMMON,
  keyBits: 2048,
  exponent: 0,
  modulus: new Uint8Array(256),
};

/** EK template L-2 (TCG EK Credential Profile, annex B.3.4). */
export const EK_ECC_P256: EccPublicArea = {
  type: 'ecc',
  ...EK_COMMON,
  curve: 'p256',
  x: new Uint8Array(32),
  y: new Uint8Array(32),
};

/**
 * A restricted signing key that never leaves its TPM. Unlike that of tpm2_createak it is exempt from dictionary attack
 * protection: it has no password that could be guessed, and a TPM counts each power loss against a key that is not
 * (TPM 2.0 Part 1, section 19.8), so a few crashes would lock the host out of its own attestation.
 */
export const AK_ECC_P256: EccPublicArea = {
  type: 'ecc',
  nameAlg: 'sha256',
  attributes:
    OBJECT.FIXED_TPM |
    OBJECT.FIXED_PARENT |
    OBJECT.SENSITIVE_DATA_ORIGIN |
    OBJECT.USER_WITH_AUTH |
    OBJECT.NO_DA |
    OBJECT.RESTRICTED |
    OBJECT.SIGN,
  authPolicy: new Uint8Array(0),
  symmetric: null,
  scheme: { scheme: 'ecdsa', hash: 'sha256' },
  curve: 'p256',
  x: new Uint8Array(0),
  y: new Uint8Array(0),
};
