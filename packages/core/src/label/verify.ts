import { concat, equalBytes, toHex } from '../bytes/index.ts';
import type { SignerCertificate } from '../cms/index.ts';
import { VerificationError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import {
  parseEcdsaSignature,
  keyIdOfVersion1,
  type DigestSignatureVerifier,
  type PublicKey,
  type RsaPublicKey,
  type Signature,
} from '../keys/index.ts';
import { encodeImaLabel } from './encode.ts';
import type { DigestLabel, Parsed, SignatureLabel, SignatureV1Label } from './types.ts';

/** A digest that was computed of the file, of its metadata, or its fs-verity digest. */
export interface ComputedDigest {
  readonly algorithm: HashName;
  readonly value: Uint8Array;
}

/** A public key and the id under which labels name it (`keyIdOfCertificate`, `keyIdOfPublicKey`). */
export interface LabelKey {
  readonly keyId: number;
  readonly publicKey: PublicKey;
  /** By which appended signatures name it. */
  readonly certificate?: SignerCertificate;
}

export interface LabelPorts {
  readonly hasher: Hasher;
  readonly digestSignatures: DigestSignatureVerifier;
}

type CheckableLabel = DigestLabel | SignatureLabel | SignatureV1Label;

/** A label that was checked against a digest. Only the checks of this file make one. */
class CheckedLabel<L extends CheckableLabel> {
  readonly #label: Parsed<L>;
  readonly digest: ComputedDigest;

  constructor(label: Parsed<L>, digest: ComputedDigest) {
    this.#label = label;
    this.digest = digest;
  }

  get label(): Parsed<L> {
    return this.#label;
  }
}

export type VerifiedLabel<L extends CheckableLabel = CheckableLabel> = CheckedLabel<L>;

/** @throws VerificationError IMA-HASH-INVALID */
export function verifyDigestLabel(label: Parsed<DigestLabel>, digest: ComputedDigest): VerifiedLabel<DigestLabel> {
  if (label.algorithm !== digest.algorithm || !equalBytes(label.digest, digest.value)) {
    throw new VerificationError('IMA-HASH-INVALID', `the digest in the label (${label.algorithm}) is another one`);
  }
  return new CheckedLabel(label, digest);
}

/**
 * Checks a signature of version 2 or 3 over a digest of the label's algorithm. What the digest is of follows from
 * the attribute and the type: for security.ima the file (type 3) or its fs-verity digest (6), for security.evm the
 * metadata (3) or the portable metadata (5). The caller computes that one.
 * Kernel: security/integrity/digsig.c integrity_digsig_verify, digsig_asymmetric.c asymmetric_verify.
 *
 * @throws VerificationError IMA-SIG-KEY-UNKNOWN, IMA-SIG-INVALID; FormatError DER-FORM for a signature by an ECDSA key
 *   that is not ECDSA-Sig-Value; SystemError HASH-UNAVAILABLE for version 3.
 */
export function verifySignatureLabel(
  label: Parsed<SignatureLabel>,
  digest: ComputedDigest,
  key: LabelKey,
  ports: LabelPorts,
): VerifiedLabel<SignatureLabel> {
  if (label.keyId !== key.keyId) {
    const [signed, given] = [label.keyId, key.keyId].map((id) => id.toString(16).padStart(8, '0'));
    throw new VerificationError('IMA-SIG-KEY-UNKNOWN', `signed by key ${signed}, given is ${given}`);
  }
  if (digest.algorithm !== label.algorithm || digest.value.length !== hashAlgorithm(label.algorithm).size) {
    throw new VerificationError('IMA-SIG-INVALID', `the signature is over ${label.algorithm}, not ${digest.algorithm}`);
  }
  const signed = signedDigest(label, digest.value, ports.hasher);
  if (!ports.digestSignatures.verifyDigest(key.publicKey, signatureOf(label, key.publicKey), signed)) {
    throw new VerificationError('IMA-SIG-INVALID', 'the signature was not made by this key over this digest');
  }
  return new CheckedLabel(label, digest);
}

/** struct signature_hdr, of which the bits of the signature are no part. */
const V1_HEADER = { start: 1, end: 17 };

/** What a signature of version 1 is over. @param digest of the file */
export function version1Payload(label: SignatureV1Label, digest: Uint8Array, hasher: Hasher): Uint8Array {
  const header = encodeImaLabel(label).subarray(V1_HEADER.start, V1_HEADER.end);
  return hasher.digest('sha1', concat([digest, header]));
}

/**
 * Checks a signature of version 1, which is over the SHA-1 of the file's digest and the header of the signature
 * (lib/digsig.c, digsig_verify).
 *
 * @throws VerificationError IMA-SIG-KEY-UNKNOWN, IMA-SIG-INVALID
 */
export function verifySignatureV1Label(
  label: Parsed<SignatureV1Label>,
  digest: ComputedDigest,
  key: RsaPublicKey,
  { hasher, digestSignatures }: LabelPorts,
): VerifiedLabel<SignatureV1Label> {
  const keyId = keyIdOfVersion1(hasher, key);
  if (!equalBytes(label.keyId, keyId)) {
    const [signed, given] = [toHex(label.keyId), toHex(keyId)];
    throw new VerificationError('IMA-SIG-KEY-UNKNOWN', `signed by key ${signed}, given is ${given}`);
  }
  const payload = version1Payload(label, digest.value, hasher);
  const fits = digest.algorithm === label.algorithm && digest.value.length === hashAlgorithm(label.algorithm).size;
  if (!fits || !digestSignatures.verifyPayload(key, label.signature, payload)) {
    throw new VerificationError('IMA-SIG-INVALID', 'the signature was not made by this key over this digest');
  }
  return new CheckedLabel(label, digest);
}

/**
 * What is signed: version 2, the digest itself; version 3, the digest of struct ima_file_id, so that a signature over
 * one kind of digest is none over another (ima_appraise.c, calc_file_id_hash).
 */
export function signedDigest(
  label: Pick<SignatureLabel, 'type' | 'version' | 'algorithm'>,
  digest: Uint8Array,
  hasher: Hasher,
): Uint8Array {
  if (label.version === 2) return digest;
  return hasher.digest(label.algorithm, Uint8Array.of(label.type, hashAlgorithm(label.algorithm).kernelId), digest);
}

function signatureOf({ algorithm, signature }: SignatureLabel, key: PublicKey): Signature {
  if (key.kind === 'ecc') return parseEcdsaSignature(signature, key.curve, algorithm);
  return { scheme: 'rsassa', hash: algorithm, value: signature };
}
