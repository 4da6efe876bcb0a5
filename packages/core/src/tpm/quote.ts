import { equalBytes } from '../bytes/index.ts';
import { VerificationError, type VerificationCode } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import type { SignatureVerifier } from '../keys/index.ts';
import type { VerifiedAttestationKey } from './attestation-key.ts';
import { TPM_ST } from './constants.ts';
import { parseAttest, TPM_GENERATED, type ClockInfo, type ParsedAttest, type QuoteInfo } from './structures/attest.ts';
import { encodePcrSelections, type PcrSelection } from './structures/pcr-selection.ts';
import { parseSignature, signatureFor, type ParsedSignature } from './structures/signature.ts';

/** Values of one bank, by PCR number. */
export type PcrValues = ReadonlyMap<number, Uint8Array>;

export interface QuoteInput {
  readonly ak: VerifiedAttestationKey;
  /** TPMS_ATTEST, without a size before it. */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  /** What the TPM was asked to sign along, 16 to 66 bytes; 32 or fewer suit every TPM. */
  readonly extraData: Uint8Array;
  /** What was asked for: one bank. */
  readonly selection: readonly PcrSelection[];
  readonly pcrValues: PcrValues;
  /** Where the parent of the key is known: the name that the key has under it. */
  readonly qualifiedSigner?: Uint8Array;
}

/** A quote that the key made for this question, and the PCR values it covers. Only `verifyQuote` makes one. */
class Quote implements ClockInfo {
  readonly #attest: ParsedAttest;
  readonly pcrValues: PcrValues;
  readonly akName: Uint8Array;

  constructor(attest: ParsedAttest, pcrValues: PcrValues, akName: Uint8Array) {
    this.#attest = attest;
    this.pcrValues = pcrValues;
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

  get firmwareVersion(): bigint {
    return this.#attest.firmwareVersion;
  }
}

export type VerifiedQuote = Quote;

/** A shorter question could be guessed, or met again. */
const MIN_EXTRA_DATA = 16;

/**
 * Checks a quote: nothing that it says is looked at before its signature holds.
 * That the question is fresh and was put to this host is for the caller to know.
 * @throws FormatError where the message or the signature cannot be read
 * @throws VerificationError QUOTE-SIGNATURE, QUOTE-MAGIC, QUOTE-NONCE, QUOTE-SELECTION, QUOTE-PCR-DIGEST; the first
 *   that applies, in this order
 */
export function verifyQuote(
  input: QuoteInput,
  ports: { readonly hasher: Hasher; readonly signatures: SignatureVerifier },
): VerifiedQuote {
  const signature = parseSignature(input.signature);
  const attest = parseAttest(input.message);
  checkSignature(input.ak, signature, attest.raw, ports.signatures);
  const quote = checkKind(attest);
  checkQuestion(attest, input);
  checkSelection(quote.selection, input.selection);
  checkPcrDigest(quote, input, ports.hasher);
  return new Quote(attest, new Map(input.pcrValues), input.ak.name);
}

/**
 * The digest that a quote holds: by the signing scheme's hash, of the values in the order of the selection
 * (TPM 2.0 Part 3, clause 18.4).
 * @param values per bank; must hold every selected PCR
 */
export function pcrComposite(
  hasher: Hasher,
  hash: HashName,
  selection: readonly PcrSelection[],
  values: ReadonlyMap<HashName, PcrValues>,
): Uint8Array {
  const parts = selection.flatMap(({ bank, pcrs }) =>
    pcrs.toSorted((a, b) => a - b).map((pcr) => valueOf(values.get(bank)?.get(pcr), bank, pcr)),
  );
  return hasher.digest(hash, ...parts);
}

function checkSignature(
  ak: VerifiedAttestationKey,
  parsed: ParsedSignature,
  message: Uint8Array,
  signatures: SignatureVerifier,
): void {
  if (parsed.scheme !== ak.scheme || parsed.hash !== ak.hash) {
    throw refused(
      'QUOTE-SIGNATURE',
      `signed by ${parsed.scheme} with ${parsed.hash}; the key signs by ${ak.scheme} with ${ak.hash}`,
    );
  }
  const signature = signatureFor(ak.key, parsed);
  if (signature === null || !signatures.verify(ak.key, signature, message)) {
    throw refused('QUOTE-SIGNATURE', 'the attestation key did not sign it');
  }
}

function checkKind(attest: ParsedAttest): QuoteInfo {
  if (attest.magic !== TPM_GENERATED) {
    throw refused('QUOTE-MAGIC', `it begins with 0x${attest.magic.toString(16)}: no TPM made it`);
  }
  if (attest.type !== TPM_ST.ATTEST_QUOTE || attest.attested.kind !== 'quote') {
    throw refused('QUOTE-MAGIC', `it is an attestation of type 0x${attest.type.toString(16)}, not a quote`);
  }
  return attest.attested;
}

function checkQuestion(attest: ParsedAttest, input: QuoteInput): void {
  if (input.extraData.length < MIN_EXTRA_DATA) {
    throw refused('QUOTE-NONCE', `a question of ${input.extraData.length} bytes proves no freshness`);
  }
  if (!equalBytes(attest.extraData, input.extraData)) throw refused('QUOTE-NONCE', 'it answers another question');
  if (input.qualifiedSigner !== undefined && !equalBytes(attest.qualifiedSigner, input.qualifiedSigner)) {
    throw refused('QUOTE-SIGNATURE', 'it names another signer than this key under its parent');
  }
}

function checkSelection(signed: readonly PcrSelection[], asked: readonly PcrSelection[]): void {
  if (!equalBytes(encodePcrSelections(signed), encodePcrSelections(asked))) {
    throw refused('QUOTE-SELECTION', `it covers ${describe(signed)}, asked for was ${describe(asked)}`);
  }
  if (signed.length !== 1 || signed[0]?.pcrs.length === 0) {
    throw refused('QUOTE-SELECTION', `${describe(signed)} is not a choice of PCRs of one bank`);
  }
}

function checkPcrDigest(quote: QuoteInfo, input: QuoteInput, hasher: Hasher): void {
  const [selected] = quote.selection;
  if (selected === undefined) throw refused('QUOTE-SELECTION', 'it covers nothing');
  if (input.pcrValues.size !== selected.pcrs.length) {
    throw refused('QUOTE-PCR-DIGEST', `${input.pcrValues.size} PCR values for ${selected.pcrs.length} selected PCRs`);
  }
  const values = new Map([[selected.bank, input.pcrValues]]);
  if (!equalBytes(pcrComposite(hasher, input.ak.hash, quote.selection, values), quote.pcrDigest)) {
    throw refused('QUOTE-PCR-DIGEST', 'the PCR values are not those that were signed');
  }
}

function valueOf(value: Uint8Array | undefined, bank: HashName, pcr: number): Uint8Array {
  if (value === undefined) throw refused('QUOTE-PCR-DIGEST', `the value of PCR ${pcr} is missing`);
  if (value.length !== hashAlgorithm(bank).size) {
    throw refused('QUOTE-PCR-DIGEST', `the value of PCR ${pcr} has ${value.length} bytes, not those of ${bank}`);
  }
  return value;
}

function describe(selection: readonly PcrSelection[]): string {
  return selection.map(({ bank, pcrs }) => `${bank}:${pcrs.join(',') || 'none'}`).join('+') || 'nothing';
}

function refused(code: VerificationCode, reason: string): VerificationError {
  return new VerificationError(code, `quote refused: ${reason}`);
}
