import { toHex } from '../bytes/index.ts';
import { parseEnvelope, preAuthEncoding, type ParsedEnvelope } from '../dsse/index.ts';
import { FormatError, VerificationError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import type { ReferenceDocument } from './document.ts';
import { parseReference, type ParsedReference } from './reader.ts';

/** Type of the payload of an envelope with reference values. */
export const REFERENCE_PAYLOAD_TYPE = 'application/vnd.assay.reference+json';

/** A public key by which reference values may be signed. */
export interface TrustedKey {
  /** For people: the file, or the digest of the key. */
  readonly name: string;
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
}

/** Checks signatures over messages by keys of any kind that the program knows. */
export interface MessageSignatures {
  /** False for everything that is not a good signature by a strong key; never throws for bad input. */
  verify(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Checks Sigstore bundles. */
export interface BundleCheck {
  /**
   * @returns who signed, for people
   * @throws VerificationError POLICY-SIGNATURE; FormatError ENVELOPE-FORM
   */
  verify(bundle: Uint8Array, artifact: Uint8Array): string;
}

/** Reference values that somebody vouches for who is trusted. Only the checks of this file make one. */
class VerifiedReferenceValue {
  readonly #parsed: ParsedReference;
  /** Who signed, for people. */
  readonly signer: string;

  constructor(parsed: ParsedReference, signer: string) {
    this.#parsed = parsed;
    this.signer = signer;
  }

  get document(): ReferenceDocument {
    return this.#parsed.document;
  }

  get canonical(): Uint8Array<ArrayBuffer> {
    return this.#parsed.canonical;
  }
}

export type VerifiedReference = VerifiedReferenceValue;

/** Signed by keys, not by a certificate that lived for minutes. */
class SignedReferenceValue extends VerifiedReferenceValue {
  /** Each once, in the order in which they are trusted. */
  readonly signers: readonly TrustedKey[];

  constructor(parsed: ParsedReference, signers: readonly TrustedKey[]) {
    super(parsed, signers.map(({ name }) => name).join(', '));
    this.signers = signers;
  }
}

export type SignedReference = SignedReferenceValue;

/**
 * Which of the keys signed an envelope: a key counts once, however often it is named or signed.
 * @returns one at least
 * @throws VerificationError POLICY-SIGNATURE
 */
export function verifyEnvelope(
  envelope: ParsedEnvelope,
  keys: readonly TrustedKey[],
  signatures: MessageSignatures,
): readonly TrustedKey[] {
  const message = preAuthEncoding(envelope.payloadType, envelope.payload);
  const distinct = new Map(keys.toReversed().map((key) => [toHex(key.spki), key]));
  const signers = keys.filter(
    (key) =>
      distinct.get(toHex(key.spki)) === key &&
      envelope.signatures.some(({ sig }) => signatures.verify(key.spki, message, sig)),
  );
  if (signers.length > 0) return signers;
  throw new VerificationError('POLICY-SIGNATURE', 'no signature is by a key that is trusted');
}

/**
 * @param bytes the text of a DSSE envelope
 * @throws VerificationError POLICY-SIGNATURE; FormatError ENVELOPE-FORM, REFERENCE-FORM and others
 */
export function verifySignedReference(
  bytes: Uint8Array,
  keys: readonly TrustedKey[],
  signatures: MessageSignatures,
): SignedReference {
  const envelope = parseEnvelope(bytes);
  if (envelope.payloadType !== REFERENCE_PAYLOAD_TYPE) {
    throw new FormatError('ENVELOPE-FORM', `the payload is not of the type ${REFERENCE_PAYLOAD_TYPE}`);
  }
  const signers = verifyEnvelope(envelope, keys, signatures);
  return new SignedReferenceValue(parseReference(envelope.payload), signers);
}

/**
 * @param bytes the file that was signed, as `cosign sign-blob` takes it
 * @throws VerificationError POLICY-SIGNATURE; FormatError ENVELOPE-FORM, REFERENCE-FORM and others
 */
export function verifyBundledReference(bytes: Uint8Array, bundle: Uint8Array, check: BundleCheck): VerifiedReference {
  const signer = check.verify(bundle, bytes);
  return new VerifiedReferenceValue(parseReference(bytes), signer);
}

/** `sha256:` and the digest of the canonical text: the name of one version that nothing else has. */
export function referenceDigest(hasher: Hasher, { canonical }: Pick<ParsedReference, 'canonical'>): string {
  return `sha256:${toHex(hasher.digest('sha256', canonical))}`;
}

/** The version that is in force, by which a new one is measured. */
export interface VersionInForce {
  readonly version: number;
  readonly digest: string;
}

/**
 * Whether reference values may come into force now.
 * @throws VerificationError POLICY-EXPIRED, POLICY-ROLLBACK
 */
export function admitReference(
  reference: Pick<ParsedReference, 'document' | 'canonical'>,
  at: Date,
  inForce: VersionInForce | undefined,
  hasher: Hasher,
): void {
  const { name, version, validUntil } = reference.document;
  if (validUntil !== undefined && at.getTime() > Date.parse(validUntil)) {
    throw new VerificationError('POLICY-EXPIRED', `${name} version ${version} was valid until ${validUntil}`);
  }
  if (inForce === undefined || version > inForce.version) return;
  if (version === inForce.version && referenceDigest(hasher, reference) === inForce.digest) return;
  const what = version === inForce.version ? 'another content' : 'a lower version';
  throw new VerificationError(
    'POLICY-ROLLBACK',
    `${name} version ${version} has ${what} than version ${inForce.version}, which is in force`,
  );
}
