import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher } from '../hash/index.ts';
import { keyIdOfVersion1, type RsaPublicKey, type Signer } from '../keys/index.ts';
import type { SignatureLabel, SignatureV1Label } from './types.ts';
import { signedDigest, version1Payload, type ComputedDigest } from './verify.ts';

/** A key that signs, and the id by which labels name it. */
export interface LabelSigner extends Signer {
  readonly keyId: number;
}

/** Type and version of a signature; type 6 exists in version 3 only. */
export type SignedForm = Pick<SignatureLabel, 'type' | 'version'>;

/**
 * Signs a digest for security.ima or security.evm; `verifySignatureLabel` checks the result. Version 3 needs a kernel
 * of 5.19 for type 6, and of 7.1 for the types 3 and 5.
 *
 * @throws FormatError LABEL-FORM where the digest has another size than its algorithm; SystemError SIGNER-FAILED,
 *   HASH-UNAVAILABLE
 */
export async function signLabel(
  { algorithm, value }: ComputedDigest,
  { type, version }: SignedForm,
  signer: LabelSigner,
  hasher: Hasher,
): Promise<SignatureLabel> {
  const { size } = hashAlgorithm(algorithm);
  if (value.length !== size) throw new FormatError('LABEL-FORM', `a digest of ${algorithm} has ${size} bytes`);
  const signature = await signer.sign(algorithm, signedDigest({ type, version, algorithm }, value, hasher));
  return { kind: 'signature', type, version, algorithm, keyId: signer.keyId, signature };
}

/** An RSA key that signs bytes as they are (PKCS#1 v1.5 without DigestInfo). */
export interface Version1Signer {
  readonly publicKey: RsaPublicKey;
  readonly signPayload: (payload: Uint8Array) => Uint8Array;
}

/**
 * A signature of version 1 over the digest of a file, for kernels and tools that know no other: deprecated.
 *
 * @param time seconds since 1970
 * @throws FormatError LABEL-FORM where the digest has another size than its algorithm
 */
export function signLabelVersion1(
  { algorithm, value }: { readonly algorithm: SignatureV1Label['algorithm']; readonly value: Uint8Array },
  time: number,
  { publicKey, signPayload }: Version1Signer,
  hasher: Hasher,
): SignatureV1Label {
  if (value.length !== hashAlgorithm(algorithm).size) throw new FormatError('LABEL-FORM', `no digest of ${algorithm}`);
  const keyId = keyIdOfVersion1(hasher, publicKey);
  // The header is signed, and ends before the signature and its length.
  const empty = { kind: 'signature-v1', time, algorithm, keyId, bits: 8, signature: new Uint8Array(1) } as const;
  const signature = signPayload(version1Payload(empty, value, hasher));
  return { ...empty, bits: 8 * signature.length, signature };
}
