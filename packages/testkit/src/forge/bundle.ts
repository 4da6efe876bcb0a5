import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { concat, fromHex } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import type { Curve } from '@assay/core/keys';
import { nodeCrypto } from '@assay/core/node';
import {
  AK_ECC_P256,
  encodeAttest,
  encodePublic,
  encodeSignature,
  pcrComposite,
  TPM_GENERATED,
  TPM_ST,
  type BankValues,
  type EccPublicArea,
  type ParsedAttest,
  type PcrSelection,
  type PublicArea,
  type RsaPublicArea,
  type SigningScheme,
} from '@assay/core/tpm';

/** A quote as files hold it, with what whoever verifies it expects: bytes and numbers only, for verifiers of any kind. */
export interface QuoteBundle {
  /** TPM2B_PUBLIC of the attestation key. */
  readonly akPublic: Uint8Array;
  /** TPMS_ATTEST. */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  /** What was asked. */
  readonly nonce: Uint8Array;
  /** The whole selection that was asked for, with its values. */
  readonly pcrs: readonly ExpectedValue[];
}

export interface ExpectedValue {
  readonly bank: HashName;
  readonly pcr: number;
  readonly value: Uint8Array;
}

/** What a forger has who holds a key in software: it can sign what no TPM would. */
export interface SoftwareKey {
  readonly area: PublicArea;
  readonly privateKey: KeyObject;
}

export const NONCE = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
export const SELECTION = [{ bank: 'sha256', pcrs: [0, 7, 10] }] as const satisfies readonly PcrSelection[];
export const VALUES: ReadonlyMap<number, Uint8Array> = new Map(
  SELECTION[0].pcrs.map((pcr) => [pcr, valueOf('sha256', pcr)]),
);

const CURVES: Readonly<Record<Curve, string>> = { p256: 'P-256', p384: 'P-384', p521: 'P-521' };
const ORDER_SIZES: Readonly<Record<Curve, number>> = { p256: 32, p384: 48, p521: 66 };

const fromJwk = (text: string | undefined): Uint8Array => Buffer.from(text ?? '', 'base64url');

/** A value that every test knows: PCR `n` of a bank is filled with n + 1. */
export function valueOf(bank: HashName, pcr: number): Uint8Array {
  return new Uint8Array(hashAlgorithm(bank).size).fill(pcr + 1);
}

export function eccKey(
  curve: Curve = 'p256',
  hash: HashName = 'sha256',
): { area: EccPublicArea; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: CURVES[curve] });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const scheme = { scheme: 'ecdsa', hash } as const;
  return { area: { ...AK_ECC_P256, curve, scheme, x: fromJwk(x), y: fromJwk(y) }, privateKey };
}

export function rsaKey(
  scheme: SigningScheme,
  options: { modulusLength?: number; publicExponent?: number } = {},
): { area: RsaPublicArea; privateKey: KeyObject } {
  const modulusLength = options.modulusLength ?? 2048;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { ...options, modulusLength });
  const { nameAlg, attributes, authPolicy, symmetric } = AK_ECC_P256;
  const modulus = fromJwk(publicKey.export({ format: 'jwk' }).n);
  const exponent = options.publicExponent ?? 0;
  const common = { nameAlg, attributes, authPolicy, symmetric, scheme };
  return { area: { type: 'rsa', ...common, keyBits: modulusLength, exponent, modulus }, privateKey };
}

/** A quote that is as it should be: over this selection with the values that every test knows, for NONCE. */
export function honestAttest(
  selection: readonly PcrSelection[] = SELECTION,
  hash: HashName = 'sha256',
): Omit<ParsedAttest, 'raw'> {
  const pcrDigest = pcrComposite(nodeCrypto.hasher, hash, selection, valuesOf(selection));
  return {
    magic: TPM_GENERATED,
    type: TPM_ST.ATTEST_QUOTE,
    qualifiedSigner: concat([Uint8Array.of(0, 0x0b), new Uint8Array(32).fill(1)]),
    extraData: NONCE,
    clock: 123_456n,
    resetCount: 7,
    restartCount: 1,
    safe: true,
    firmwareVersion: 0x1234n,
    attested: { kind: 'quote', selection, pcrDigest },
  };
}

/** The values of a selection, in which a bank may stand more than once. */
export function valuesOf(selection: readonly PcrSelection[]): BankValues {
  const values = new Map<HashName, Map<number, Uint8Array>>();
  for (const { bank, pcr, value } of expected(selection)) {
    values.set(bank, (values.get(bank) ?? new Map<number, Uint8Array>()).set(pcr, value));
  }
  return values;
}

/** TPMT_SIGNATURE by the scheme of the key, or by another one. */
export function signBy(key: SoftwareKey, message: Uint8Array, scheme = schemeOf(key)): Uint8Array {
  const { privateKey, area } = key;
  if (scheme.scheme === 'ecdsa') {
    const size = ORDER_SIZES[area.type === 'ecc' ? area.curve : 'p256'];
    const both = sign(scheme.hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return encodeSignature({ ...scheme, scheme: 'ecdsa', r: both.subarray(0, size), s: both.subarray(size) });
  }
  const padding = scheme.scheme === 'rsapss' ? RSA_PSS : RSA_PKCS1;
  const value = sign(scheme.hash, message, { key: privateKey, padding });
  return encodeSignature({ hash: scheme.hash, scheme: scheme.scheme, value });
}

/** An honest quote with something changed before it is signed. */
export function forged(by: SoftwareKey, change: Partial<Omit<ParsedAttest, 'raw'>> = {}): QuoteBundle {
  return bundleOf(by, encodeAttest({ ...honestAttest(), ...change }));
}

/** A message that the key signs, as the answer to NONCE over SELECTION. */
export function bundleOf(by: SoftwareKey, message: Uint8Array): QuoteBundle {
  const pcrs = expected(SELECTION);
  return { akPublic: encodePublic(by.area), message, signature: signBy(by, message), nonce: NONCE, pcrs };
}

export function expected(selection: readonly PcrSelection[]): ExpectedValue[] {
  return selection.flatMap(({ bank, pcrs }) => pcrs.map((pcr) => ({ bank, pcr, value: valueOf(bank, pcr) })));
}

/** RSA_PKCS1_PADDING and RSA_PKCS1_PSS_PADDING of OpenSSL. */
const RSA_PKCS1 = 1;
const RSA_PSS = 6;

function schemeOf({ area }: SoftwareKey): SigningScheme {
  const scheme = area.type === 'keyedhash' ? null : area.scheme;
  return scheme ?? { scheme: area.type === 'rsa' ? 'rsassa' : 'ecdsa', hash: 'sha256' };
}
