import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher } from '../hash/index.ts';
import type { Signer } from '../keys/index.ts';
import type { SignatureLabel } from './types.ts';
import { signedDigest, type ComputedDigest } from './verify.ts';

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
