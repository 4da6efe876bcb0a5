import { equalBytes } from '../bytes/index.ts';
import { VerificationError, type VerificationCode } from '../errors/index.ts';
import { pcrComposite, type BankValues } from './composite.ts';
import { checkAttestation, type AttestationInput, type AttestationPorts } from './signed.ts';
import type { ClockInfo, ParsedAttest, QuoteInfo } from './structures/attest.ts';
import type { PcrSelection } from './structures/pcr-selection.ts';

export interface QuoteInput extends AttestationInput {
  /** What was asked for: some PCRs of each of these banks. */
  readonly selection: readonly PcrSelection[];
  /** Exactly the selected ones. */
  readonly pcrValues: BankValues;
}

/** A quote that the key made for this question, and the PCR values it covers. Only `verifyQuote` makes one. */
class Quote implements ClockInfo {
  readonly #attest: ParsedAttest;
  readonly pcrValues: BankValues;
  /** Absent where the key is a bare one. */
  readonly akName: Uint8Array | undefined;

  constructor(attest: ParsedAttest, pcrValues: BankValues, akName: Uint8Array | undefined) {
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
  checkPcrDigest(attested, input, ports);
  return new Quote(attest, copyOf(input.pcrValues), input.ak.name);
}

function copyOf(values: BankValues): BankValues {
  return new Map([...values].map(([bank, ofBank]) => [bank, new Map(ofBank)]));
}

function checkSelection(signed: readonly PcrSelection[], asked: readonly PcrSelection[]): void {
  if (!isSame(signed, asked)) {
    throw refused('QUOTE-SELECTION', `it covers ${describe(signed)}, asked for was ${describe(asked)}`);
  }
  const banks = new Set(signed.map(({ bank }) => bank));
  if (banks.size === 0 || banks.size !== signed.length || signed.some(({ pcrs }) => pcrs.length === 0)) {
    throw refused('QUOTE-SELECTION', `${describe(signed)} is not a choice of some PCRs of each bank`);
  }
}

/** Bank for bank and bit for bit; a selection has one encoding, so their bytes are the same too. */
function isSame(signed: readonly PcrSelection[], asked: readonly PcrSelection[]): boolean {
  return (
    signed.length === asked.length &&
    signed.every(({ bank, pcrs }, index) => bank === asked[index]?.bank && maskOf(pcrs) === maskOf(asked[index].pcrs))
  );
}

function maskOf(pcrs: readonly number[]): number {
  return pcrs.reduce((mask, pcr) => mask | (1 << pcr), 0);
}

function checkPcrDigest(quote: QuoteInfo, input: QuoteInput, { hasher }: AttestationPorts): void {
  const given = [...input.pcrValues.values()].reduce((sum, values) => sum + values.size, 0);
  const selected = quote.selection.reduce((sum, { pcrs }) => sum + pcrs.length, 0);
  if (input.pcrValues.size !== quote.selection.length || given !== selected)
    throw refused('QUOTE-PCR-DIGEST', `${given} PCR values for ${selected} selected PCRs`);
  if (!equalBytes(pcrComposite(hasher, input.ak.hash, quote.selection, input.pcrValues), quote.pcrDigest)) {
    throw refused('QUOTE-PCR-DIGEST', 'the PCR values are not those that were signed');
  }
}

function describe(selection: readonly PcrSelection[]): string {
  return selection.map(({ bank, pcrs }) => `${bank}:${pcrs.join(',') || 'none'}`).join('+') || 'nothing';
}

function refused(code: VerificationCode, reason: string): VerificationError {
  return new VerificationError(code, `quote refused: ${reason}`);
}
