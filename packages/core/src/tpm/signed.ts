import { equalBytes } from '../bytes/index.ts';
import { VerificationError, type VerificationCode } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import type { SignatureVerifier } from '../keys/index.ts';
import type { AttestingKey } from './attestation-key.ts';
import {
  ATTEST_TYPES,
  parseAttest,
  TPM_GENERATED,
  type AttestedInfo,
  type AttestKind,
  type ClockInfo,
  type ParsedAttest,
} from './structures/attest.ts';
import { parseSignature, signatureFor, type ParsedSignature } from './structures/signature.ts';

export interface AttestationInput {
  readonly ak: AttestingKey;
  /** TPMS_ATTEST, without a size before it. */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  /** What the TPM was asked to sign along, 16 to 66 bytes; 32 or fewer suit every TPM. */
  readonly extraData: Uint8Array;
  /** Where the parent of the key is known: the name that the key has under it. */
  readonly qualifiedSigner?: Uint8Array;
}

export interface AttestationPorts {
  readonly hasher: Hasher;
  readonly signatures: SignatureVerifier;
}

/** A shorter question could be guessed, or met again. */
const MIN_EXTRA_DATA = 16;

/** What an attestation of this kind says. */
export type InfoOf<K extends AttestKind> = Extract<AttestedInfo, { readonly kind: K }>;

/** What the verified attestations of every kind tell of the key, the boot and the clock. */
export class SignedAttest implements ClockInfo {
  readonly #attest: ParsedAttest;
  /** Absent where the key is a bare one. */
  readonly akName: Uint8Array | undefined;

  constructor(attest: ParsedAttest, akName: Uint8Array | undefined) {
    this.#attest = attest;
    this.akName = akName;
  }

  get attest(): ParsedAttest {
    return this.#attest;
  }

  get clock(): bigint {
    return this.#attest.clock;
  }

  get resetCount(): number {
    return this.#attest.resetCount;
  }

  get restartCount(): number {
    return this.#attest.restartCount;
  }

  get safe(): boolean {
    return this.#attest.safe;
  }
}

/**
 * What the attestations of every kind have in common. Nothing that one says is looked at before its signature holds.
 * @throws FormatError where the message or the signature cannot be read
 * @throws VerificationError QUOTE-SIGNATURE, QUOTE-MAGIC, QUOTE-NONCE; the first that applies, in this order
 */
export function checkAttestation<K extends AttestKind>(
  kind: K,
  input: AttestationInput,
  ports: AttestationPorts,
): { readonly attest: ParsedAttest; readonly attested: InfoOf<K> } {
  const signature = parseSignature(input.signature);
  const attest = parseAttest(input.message, kind);
  checkSignature(kind, input.ak, signature, attest.raw, ports.signatures);
  const attested = bodyOf(kind, attest);
  checkQuestion(kind, attest, input);
  return { attest, attested };
}

function checkSignature(
  kind: AttestKind,
  ak: AttestingKey,
  parsed: ParsedSignature,
  message: Uint8Array,
  signatures: SignatureVerifier,
): void {
  if (parsed.scheme !== ak.scheme || parsed.hash !== ak.hash) {
    const own = `${ak.scheme} with ${ak.hash}`;
    throw refused(kind, 'QUOTE-SIGNATURE', `signed by ${parsed.scheme} with ${parsed.hash}; the key signs by ${own}`);
  }
  const signature = signatureFor(ak.key, parsed);
  if (signature === null || !signatures.verify(ak.key, signature, message)) {
    throw refused(kind, 'QUOTE-SIGNATURE', 'the attestation key did not sign it');
  }
}

function bodyOf<K extends AttestKind>(kind: K, { magic, type, attested }: ParsedAttest): InfoOf<K> {
  if (magic !== TPM_GENERATED) {
    throw refused(kind, 'QUOTE-MAGIC', `it begins with 0x${magic.toString(16)}: no TPM made it`);
  }
  if (type !== ATTEST_TYPES[kind] || !isOfKind(kind, attested)) {
    throw refused(kind, 'QUOTE-MAGIC', `it is an attestation of type 0x${type.toString(16)}`);
  }
  return attested;
}

function isOfKind<K extends AttestKind>(kind: K, attested: AttestedInfo): attested is InfoOf<K> {
  return attested.kind === kind;
}

function checkQuestion(kind: AttestKind, attest: ParsedAttest, input: AttestationInput): void {
  if (input.extraData.length < MIN_EXTRA_DATA) {
    throw refused(kind, 'QUOTE-NONCE', `a question of ${input.extraData.length} bytes proves no freshness`);
  }
  if (!equalBytes(attest.extraData, input.extraData)) throw refused(kind, 'QUOTE-NONCE', 'it answers another question');
  if (input.qualifiedSigner !== undefined && !equalBytes(attest.qualifiedSigner, input.qualifiedSigner)) {
    throw refused(kind, 'QUOTE-SIGNATURE', 'it names another signer than this key under its parent');
  }
}

function refused(kind: AttestKind, code: VerificationCode, reason: string): VerificationError {
  return new VerificationError(code, `${kind === 'quote' ? 'quote' : `attestation (${kind})`} refused: ${reason}`);
}
