import { equalBytes } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import type { SignatureVerifier } from '../keys/index.ts';
import { entryKind, matchingPrefix, replay, type MeasurementEntry } from '../measurement/index.ts';
import {
  verifyQuote,
  type PcrSelection,
  type PcrValues,
  type VerifiedAttestationKey,
  type VerifiedQuote,
} from '../tpm/index.ts';
import { bindingDigest, type Binding, type HostFacts } from './binding.ts';
import {
  afterSentBefore,
  bootOf,
  gap,
  positionOf,
  trimmed,
  type Boot,
  type KeptState,
  type ListPosition,
  type SentBefore,
} from './continuity.ts';
import { checkedEntries, IMA_PCR } from './list-part.ts';

const BANK = 'sha256';

export interface EvidenceInput {
  /** Key of the host that this verifier activated. */
  readonly ak: VerifiedAttestationKey;
  /** What this verifier asked, in a session that is open, unexpired and this host's. */
  readonly nonce: Uint8Array;
  readonly session: string;
  readonly selection: readonly PcrSelection[];
  readonly facts: HostFacts;
  /** What the quote is bound to besides; `verifyEventLog` says what of a log it proves. */
  readonly eventLog?: NonNullable<Binding['eventLog']>;
  /** TPMS_ATTEST and TPMT_SIGNATURE. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** Values of the SHA-256 bank that the host says were quoted. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  readonly list: {
    /** Bank of the recorded template digests. */
    readonly bank: HashName;
    readonly fromEntry: number;
    readonly fromOffset: number;
    /** Whole binary records. */
    readonly bytes: Uint8Array;
    /**
     * The part of the list that came before, where it is too long for one message; the records continue it. Null where they say
     * so, and there is none.
     */
    readonly sentBefore?: SentBefore | null;
    /** The host says that entries may be missing in it, as it was trimmed: where it leads nowhere, that is why. */
    readonly trimmed?: boolean | undefined;
  };
  readonly kept: KeptState | null;
}

/** Evidence that holds. Only `verifyEvidence` makes one. */
class Evidence {
  readonly #quote: VerifiedQuote;
  readonly boot: Boot;
  /** Entries after the kept ones that the quoted PCR covers. */
  readonly entries: readonly MeasurementEntry[];
  /** Entries sent that arrived after the quote; they are proved in a later round. */
  readonly pending: number;
  readonly state: KeptState;
  /** Firmware of the TPM in the last round, where it was another one than now. */
  readonly firmwareBefore?: bigint;

  constructor(quote: VerifiedQuote, boot: Boot, list: CoveredList, kept: KeptState | null) {
    this.#quote = quote;
    this.boot = boot;
    this.entries = list.entries;
    this.pending = list.pending;
    const { resetCount, restartCount, clock, firmwareVersion } = quote;
    this.state = { ...list.end, resetCount, restartCount, clock, firmwareVersion };
    const before = kept?.firmwareVersion;
    if (before !== undefined && before !== firmwareVersion) this.firmwareBefore = before;
  }

  get quote(): VerifiedQuote {
    return this.#quote;
  }

  /** The quoted values of the SHA-256 bank. */
  get pcrs(): PcrValues {
    return pcrsOf(this.#quote);
  }
}

export type VerifiedEvidence = Evidence;

export type EvidenceResult =
  | { readonly ok: true; readonly evidence: VerifiedEvidence }
  | { readonly ok: false; readonly errors: readonly VerificationError[] };

export interface EvidencePorts {
  readonly hasher: Hasher;
  readonly signatures: SignatureVerifier;
}

/**
 * Verifies one round: quote, continuity, list. That the session was open and unused is for the caller to see to.
 * @throws FormatError where bytes cannot be read; what can be read and does not verify is returned
 */
export function verifyEvidence(input: EvidenceInput, ports: EvidencePorts): EvidenceResult {
  try {
    const quote = quoteOf(input, ports);
    const boot = bootOf(input.kept, quote);
    const list = coveredList(input, boot, quote, ports.hasher);
    return { ok: true, evidence: new Evidence(quote, boot, list, input.kept) };
  } catch (error) {
    if (error instanceof VerificationError) return { ok: false, errors: [error] };
    throw error;
  }
}

function quoteOf(input: EvidenceInput, ports: EvidencePorts): VerifiedQuote {
  const { ak, nonce, session, facts, message, signature, selection, eventLog } = input;
  const binding = { nonce, session, akName: ak.name, facts, ...(eventLog === undefined ? {} : { eventLog }) };
  const extraData = bindingDigest(ports.hasher, binding);
  return verifyQuote({ ak, message, signature, extraData, selection, pcrValues: new Map([[BANK, input.pcrs]]) }, ports);
}

interface CoveredList {
  readonly entries: readonly MeasurementEntry[];
  readonly pending: number;
  readonly end: ListPosition;
}

function coveredList(input: EvidenceInput, boot: Boot, quote: VerifiedQuote, hasher: Hasher): CoveredList {
  const { bank, bytes, sentBefore } = input.list;
  if (sentBefore === null) throw gap(input.list.fromEntry);
  const start =
    sentBefore === undefined
      ? positionOf(boot, input.kept, input.list)
      : afterSentBefore(boot, input.kept, input.list, sentBefore);
  const sent = checkedEntries({ bank, bytes, start }, hasher);
  const kept = boot === 'same' ? input.kept : null;
  try {
    return coveredBy(quote, { bank, start, sent, kept }, hasher);
  } catch (error) {
    const lost = input.list.trimmed === true || hasLostBeginning(start, sent);
    throw lost && error instanceof VerificationError ? trimmed(kept) : error;
  }
}

/** Every list begins with boot_aggregate, so one that was trimmed shows; one that holds is for the judge. */
function hasLostBeginning({ entries }: ListPosition, [first]: readonly MeasurementEntry[]): boolean {
  return entries === 0 && first !== undefined && entryKind(first) !== 'boot-aggregate';
}

interface SentList {
  readonly bank: HashName;
  readonly start: ListPosition;
  readonly sent: readonly MeasurementEntry[];
  /** Of this boot. */
  readonly kept: KeptState | null;
}

function coveredBy(quote: VerifiedQuote, { bank, start, sent, kept }: SentList, hasher: Hasher): CoveredList {
  checkLength(start.entries + sent.length, kept);
  const count = coveredCount(hasher, start, sent, { quoted: quotedPcr(quote), checked: bank });
  const covered = sent.slice(0, count);
  checkLength(start.entries + count, kept);
  if (kept !== null && kept.entries >= start.entries) checkKeptPart(hasher, start, covered, kept);
  return {
    entries: covered.filter((entry) => entry.number > (kept?.entries ?? 0)),
    pending: sent.length - count,
    end: {
      entries: start.entries + count,
      bytes: start.bytes + covered.reduce((sum, entry) => sum + entry.length, 0),
      pcr: quotedPcr(quote),
    },
  };
}

/** The list may be longer than the quoted PCR, since entries arrive between the two; it is never shorter. */
function coveredCount(
  hasher: Hasher,
  start: ListPosition,
  sent: readonly MeasurementEntry[],
  { quoted, checked }: { readonly quoted: Uint8Array; readonly checked: HashName },
): number {
  const count = matchingPrefix(hasher, { bank: BANK, pcr: IMA_PCR, value: start.pcr, checked }, sent, quoted);
  if (count !== undefined) return count;
  const message = `the ${sent.length} entries after entry ${start.entries} do not lead to the quoted PCR ${IMA_PCR}, nor does any prefix of them`;
  throw new VerificationError('IMA-REPLAY', message);
}

/** Looked at before the replay too, which could only say that a list from which entries were removed leads nowhere. */
function checkLength(entries: number, kept: KeptState | null): void {
  if (kept === null || entries >= kept.entries) return;
  throw new VerificationError('IMA-LOG-SHORT', `the list has ${entries} entries; this boot had ${kept.entries} before`);
}

/** A list that is sent again from its start must hold, unchanged, what was verified in this boot before. */
function checkKeptPart(
  hasher: Hasher,
  start: ListPosition,
  covered: readonly MeasurementEntry[],
  kept: KeptState,
): void {
  const again = covered.filter((entry) => entry.number <= kept.entries);
  const { value } = replay(hasher, { bank: BANK, pcr: IMA_PCR, value: start.pcr }, again);
  if (!equalBytes(value, kept.pcr)) {
    throw new VerificationError('IMA-REPLAY', 'the list begins otherwise than it did before in this boot');
  }
}

function quotedPcr(quote: VerifiedQuote): Uint8Array {
  const value = pcrsOf(quote).get(IMA_PCR);
  if (value === undefined) throw new VerificationError('QUOTE-SELECTION', `the quote does not cover PCR ${IMA_PCR}`);
  return value;
}

function pcrsOf(quote: VerifiedQuote): PcrValues {
  return quote.pcrValues.get(BANK) ?? new Map();
}
