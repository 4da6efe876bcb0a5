import { equalBytes } from '../bytes/index.ts';
import { VerificationError, type VerificationCode } from '../errors/index.ts';
import { joinValues, splitValues, type BankValues } from './composite.ts';
import { checkAttestation, SignedAttest, type AttestationInput, type AttestationPorts } from './signed.ts';
import type { ParsedAttest, QuoteInfo } from './structures/attest.ts';
import type { PcrSelection } from './structures/pcr-selection.ts';

export interface QuoteInput extends AttestationInput {
  /** What was asked for: some PCRs of each of these banks. */
  readonly selection: readonly PcrSelection[];
  /** Exactly the selected ones. */
  readonly pcrValues: BankValues;
}

/** A quote that the key made for this question, and the PCR values it covers. Only `verifyQuote` makes one. */
class Quote extends SignedAttest {
  readonly #selection: readonly PcrSelection[];
  readonly #joinedValues: Uint8Array;
  #pcrValues: BankValues | undefined;

  constructor(attest: ParsedAttest, selection: readonly PcrSelection[], joined: Uint8Array, akName?: Uint8Array) {
    super(attest, akName);
    this.#selection = selection;
    this.#joinedValues = joined;
  }

  /** Read back from the bytes whose digest was signed, whatever became of those that were given. */
  get pcrValues(): BankValues {
    return (this.#pcrValues ??= splitValues(this.#selection, this.#joinedValues));
  }

  get firmwareVersion(): bigint {
    return this.attest.firmwareVersion;
  }
}

export type VerifiedQuote = Quote;

/**
 * Checks a quote: nothing that it says is looked at before its signature holds.
 * That the question is fresh and was put to this host is for the caller to know.
 * @throws FormatError where the message or the signature cannot be read
 * @throws VerificationError QUOTE-SIGNATURE, QUOTE-MAGIC, QUOTE-NONCE, QUOTE-SELECTION, QUOTE-PCR-DIGEST; the first
 *   that applies, in this order
 */
export function verifyQuote(input: QuoteInput, ports: AttestationPorts): VerifiedQuote {
  const { attest, attested } = checkAttestation('quote', input, ports);
  checkSelection(attested.selection, input.selection);
  const joined = checkPcrDigest(attested, input, ports);
  return new Quote(attest, attested.selection, joined, input.ak.name);
}

function checkSelection(signed: readonly PcrSelection[], asked: readonly PcrSelection[]): void {
  if (!isSame(signed, asked)) {
    throw refused('QUOTE-SELECTION', `it covers ${describe(signed)}, asked for was ${describe(asked)}`);
  }
  if (signed.length === 0 || !signed.every(isChoice)) {
    throw refused('QUOTE-SELECTION', `${describe(signed)} is not a choice of some PCRs of each bank`);
  }
}

/** Whether some PCRs are selected, of a bank that was not selected before. */
function isChoice({ bank, pcrs }: PcrSelection, index: number, all: readonly PcrSelection[]): boolean {
  return pcrs.length > 0 && all.findIndex((other) => other.bank === bank) === index;
}

/** Bank for bank and bit for bit; a selection has one encoding, so their bytes are the same too. */
function isSame(signed: readonly PcrSelection[], asked: readonly PcrSelection[]): boolean {
  return (
    signed.length === asked.length &&
    signed.every(({ bank, pcrs }, index) => bank === asked[index]?.bank && maskOf(pcrs) === maskOf(asked[index].pcrs))
  );
}

function maskOf(pcrs: readonly number[]): number {
  let mask = 0;
  for (const pcr of pcrs) mask |= 1 << pcr;
  return mask;
}

/** The values that were signed, joined. */
function checkPcrDigest(quote: QuoteInfo, input: QuoteInput, { hasher }: AttestationPorts): Uint8Array {
  const { pcrValues } = input;
  const extra = quote.selection.find(({ bank, pcrs }) => (pcrValues.get(bank)?.size ?? 0) !== pcrs.length);
  if (pcrValues.size !== quote.selection.length || extra !== undefined)
    throw refused('QUOTE-PCR-DIGEST', 'there are more or fewer PCR values than the selection has PCRs');
  const joined = joinValues(quote.selection, pcrValues);
  if (!equalBytes(hasher.digest(input.ak.hash, joined), quote.pcrDigest)) {
    throw refused('QUOTE-PCR-DIGEST', 'the PCR values are not those that were signed');
  }
  return joined;
}

function describe(selection: readonly PcrSelection[]): string {
  return selection.map(({ bank, pcrs }) => `${bank}:${pcrs.join(',') || 'none'}`).join('+') || 'nothing';
}

function refused(code: VerificationCode, reason: string): VerificationError {
  return new VerificationError(code, `quote refused: ${reason}`);
}
