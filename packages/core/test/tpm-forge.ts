import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { concat } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  AK_ECC_P256,
  checkAttestationKey,
  encodeAttest,
  encodePublic,
  encodeSignature,
  parsePublic,
  pcrComposite,
  TPM_GENERATED,
  TPM_ST,
  type EccPublicArea,
  type ParsedAttest,
  type PcrSelection,
  type PublicArea,
  type QuoteInput,
  type RsaPublicArea,
  type SigningScheme,
  type VerifiedAttestationKey,
} from '@assay/core/tpm';

/** What a forger has who holds a key in software: it can sign what no TPM would. */
export interface SoftwareKey {
  readonly area: PublicArea;
  readonly ak: VerifiedAttestationKey;
  readonly privateKey: KeyObject;
}

const fromJwk = (text: string | undefined): Uint8Array => Buffer.from(text ?? '', 'base64url');

export function eccArea(): { area: EccPublicArea; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  return { area: { ...AK_ECC_P256, x: fromJwk(jwk.x), y: fromJwk(jwk.y) }, privateKey };
}

export function rsaArea(
  scheme: SigningScheme,
  options: { modulusLength?: number; publicExponent?: number } = {},
): { area: RsaPublicArea; privateKey: KeyObject } {
  const modulusLength = options.modulusLength ?? 2048;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { ...options, modulusLength });
  const { nameAlg, attributes, authPolicy, symmetric } = AK_ECC_P256;
  const modulus = fromJwk(publicKey.export({ format: 'jwk' }).n);
  const exponent = options.publicExponent ?? 0;
  const area = {
    type: 'rsa',
    nameAlg,
    attributes,
    authPolicy,
    symmetric,
    scheme,
    keyBits: modulusLength,
    exponent,
    modulus,
  } as const;
  return { area, privateKey };
}

export function softwareKey(made: { area: PublicArea; privateKey: KeyObject } = eccArea()): SoftwareKey {
  return { ...made, ak: checkAttestationKey(parsePublic(encodePublic(made.area)), nodeCrypto.hasher) };
}

export const QUESTION = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
export const SELECTION = [{ bank: 'sha256', pcrs: [0, 7, 10] }] as const satisfies readonly PcrSelection[];
export const VALUES: ReadonlyMap<number, Uint8Array> = new Map(
  [0, 7, 10].map((pcr) => [pcr, new Uint8Array(32).fill(pcr + 1)]),
);

/** A quote that is as it should be: over SELECTION with VALUES, for QUESTION. */
export function honestAttest(): Omit<ParsedAttest, 'raw'> {
  const pcrDigest = pcrComposite(nodeCrypto.hasher, 'sha256', SELECTION, new Map([['sha256', VALUES]]));
  return {
    magic: TPM_GENERATED,
    type: TPM_ST.ATTEST_QUOTE,
    qualifiedSigner: concat([Uint8Array.of(0, 0x0b), new Uint8Array(32).fill(1)]),
    extraData: QUESTION,
    clock: 123_456n,
    resetCount: 7,
    restartCount: 1,
    safe: true,
    firmwareVersion: 0x1234n,
    attested: { kind: 'quote', selection: SELECTION, pcrDigest },
  };
}

/** TPMT_SIGNATURE by an ECC P-256 key. */
export function signEcc(key: KeyObject, message: Uint8Array): Uint8Array {
  const both = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  return encodeSignature({ scheme: 'ecdsa', hash: 'sha256', r: both.subarray(0, 32), s: both.subarray(32) });
}

/** The input for verifyQuote of a message that the key of `by` signs. */
export function inputFor(by: SoftwareKey, message: Uint8Array): QuoteInput {
  const signature = signEcc(by.privateKey, message);
  return {
    ak: by.ak,
    message,
    signature,
    extraData: QUESTION,
    selection: SELECTION,
    pcrValues: new Map([['sha256', VALUES]]),
  };
}

/** The input for an honest quote with something changed before it is signed. */
export function forged(by: SoftwareKey, change: Partial<Omit<ParsedAttest, 'raw'>> = {}): QuoteInput {
  return inputFor(by, encodeAttest({ ...honestAttest(), ...change }));
}
