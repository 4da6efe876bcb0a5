import { toHex } from '../bytes/index.ts';
import { FormatError, SystemError, VerificationError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import {
  keyIdOfPublicKey,
  parseEcdsaSignature,
  type PublicKey,
  type Signature,
  type SignatureVerifier,
  type Signer,
} from '../keys/index.ts';
import { encodeEnvelope, signedBytes } from './envelope.ts';
import type { ParsedBaseline } from './reader.ts';

const HASH = 'sha256';

/** A baseline that one of the given keys signed. Only `verifyBaseline` makes it. */
class VerifiedBaselineValue {
  readonly baseline: ParsedBaseline;
  readonly key: PublicKey;
  /** Of IMA labels, eight hexadecimal digits. */
  readonly keyId: string;
  readonly #digest: string;

  constructor(baseline: ParsedBaseline, key: PublicKey, keyId: string) {
    this.baseline = baseline;
    this.key = key;
    this.keyId = keyId;
    this.#digest = baseline.digest;
  }

  /** Whether the same bytes were read again, for those who read a file twice. */
  isSame(again: ParsedBaseline): boolean {
    return again.digest === this.#digest;
  }
}

export type VerifiedBaseline = VerifiedBaselineValue;

interface Crypto {
  readonly hasher: Hasher;
  readonly signatures: SignatureVerifier;
}

/** A private key, and the public one by which others will check. */
export interface BaselineSigner {
  readonly signer: Signer;
  readonly publicKey: PublicKey;
  readonly keyId: number;
}

/**
 * Signs the line of the end, which has the digest of all others.
 * @returns the line of the envelope, without its end
 * @throws SystemError SIGNER-FAILED, also for a signature that the public key does not verify
 */
export async function signBaseline(
  endLine: Uint8Array,
  { signer, publicKey, keyId }: BaselineSigner,
  { hasher, signatures }: Crypto,
): Promise<string> {
  const message = signedBytes(endLine);
  const sig = await signer.sign(HASH, hasher.digest(HASH, message));
  const signature = signatureBy(publicKey, sig);
  if (signature === undefined || !signatures.verify(publicKey, signature, message)) {
    throw new SystemError('SIGNER-FAILED', 'the signer made a signature that its public key does not verify');
  }
  return encodeEnvelope(endLine, [{ keyid: keyIdText(keyId), sig }]);
}

/**
 * Finds a signature by one of the keys: RSA PKCS#1 v1.5 or ECDSA, SHA-256.
 * @throws VerificationError BASELINE-SIGNATURE
 */
export function verifyBaseline(
  baseline: ParsedBaseline,
  keys: readonly PublicKey[],
  { hasher, signatures: verifier }: Crypto,
): VerifiedBaseline {
  if (baseline.signatures.length === 0) {
    throw new VerificationError('BASELINE-SIGNATURE', 'the baseline is not signed, or its signature was taken away');
  }
  const message = signedBytes(baseline.endLine);
  for (const { sig } of baseline.signatures) {
    const key = keys.find((each) => {
      const signature = signatureBy(each, sig);
      return signature !== undefined && verifier.verify(each, signature, message);
    });
    if (key === undefined) continue;
    return new VerifiedBaselineValue(baseline, key, keyIdText(keyIdOfPublicKey(hasher, key)));
  }
  const named = baseline.signatures.map(({ keyid }) => keyid).join(', ');
  throw new VerificationError('BASELINE-SIGNATURE', `no signature is by a key that was given; it names ${named}`);
}

function signatureBy(key: PublicKey, sig: Uint8Array): Signature | undefined {
  if (key.kind === 'rsa') return { scheme: 'rsassa', hash: HASH, value: sig };
  try {
    return parseEcdsaSignature(sig, key.curve, HASH);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function keyIdText(keyId: number): string {
  return toHex(Uint8Array.of(keyId >>> 24, keyId >>> 16, keyId >>> 8, keyId));
}
