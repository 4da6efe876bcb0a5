import assert from 'node:assert/strict';
import { fromBase64, fromHex, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  bindingDigest,
  verifyEvidence,
  type EvidenceInput,
  type KeptState,
  type VerifiedEvidence,
} from '@assay/core/evidence';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  encodeAttest,
  encodePublic,
  parseAttest,
  parsePublic,
  type ParsedAttest,
  type VerifiedAttestationKey,
} from '@assay/core/tpm';
import { SimulatedHost, type BootOptions } from '@assay/testkit/evidence';
import { eccKey, signBy } from '@assay/testkit/forge';

const PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** One bank, PCR 0 to 10: what the verifier asks for. */
export const SELECTION = { bank: 'sha256' as const, pcrs: PCRS };

interface Place {
  readonly fromEntry: number;
  readonly fromOffset: number;
}

const WHOLE: Place = { fromEntry: 1, fromOffset: 0 };

/** A host with a simulated TPM, and the rounds that it answers. */
export class Bench {
  readonly host: SimulatedHost;
  readonly ak: VerifiedAttestationKey;

  private constructor(host: SimulatedHost, ak: VerifiedAttestationKey) {
    this.host = host;
    this.ak = ak;
  }

  static async of(host: SimulatedHost): Promise<Bench> {
    const { akPublic } = await host.enrolRequest();
    return new Bench(host, checkAttestationKey(parsePublic(fromBase64(akPublic)), nodeCrypto.hasher));
  }

  /** A host whose list has boot_aggregate and then these programs. */
  static async running(programs: readonly string[], options: Partial<BootOptions> = {}): Promise<Bench> {
    const bench = await Bench.of(await SimulatedHost.boot({ name: 'web-03', ...options }));
    await bench.run(...programs);
    return bench;
  }

  async run(...programs: readonly string[]): Promise<void> {
    for (const path of programs) await this.host.execute(path, path);
  }

  async reboot(): Promise<Bench> {
    return Bench.of(await this.host.reboot());
  }

  /** What the host answers to a new question; the list from where `kept` ends, or from `place`. */
  async round(kept: KeptState | null = null, place: Place = placeAfter(kept)): Promise<EvidenceInput> {
    const nonce = nodeCrypto.credentials.random(32);
    const session = `round ${toHex(nonce.subarray(0, 4))}`;
    const challenge = { session, nonce: toHex(nonce), expiresAt: '', selection: SELECTION, list: place };
    const { quote, pcrs, list, facts } = await this.host.evidence(challenge);
    return {
      ak: this.ak,
      nonce,
      session,
      selection: [SELECTION],
      facts,
      message: fromBase64(quote.message),
      signature: fromBase64(quote.signature),
      pcrs: new Map(Object.entries(pcrs).map(([pcr, value]) => [Number(pcr), fromHex(value)])),
      list: { ...list, bytes: fromBase64(list.entries) },
      kept,
    };
  }

  /** A round with the whole list, whatever is kept. */
  whole(kept: KeptState | null): Promise<EvidenceInput> {
    return this.round(kept, WHOLE);
  }

  /** The state after a round that verifies. */
  async kept(): Promise<KeptState> {
    return verified(await this.round()).state;
  }
}

function placeAfter(kept: KeptState | null): Place {
  return kept === null ? WHOLE : { fromEntry: kept.entries + 1, fromOffset: kept.bytes };
}

/** The evidence, which must hold. */
export function verified(input: EvidenceInput): VerifiedEvidence {
  const result = verifyEvidence(input, nodeCrypto);
  assert(result.ok, `refused: ${result.ok ? '' : result.errors.map((error) => error.message).join()}`);
  return result.evidence;
}

/** Why the evidence is refused: a code, `FormatError` with the code where it cannot be read; null where it holds. */
export function refusalOf(input: EvidenceInput): string | null {
  try {
    const result = verifyEvidence(input, nodeCrypto);
    return result.ok ? null : result.errors.map(({ code }) => code).join();
  } catch (error) {
    if (error instanceof FormatError) return `FormatError ${error.code}`;
    throw error;
  }
}

/** The evidence is refused with this code, and nothing that was kept has changed. */
export function assertRefused(input: EvidenceInput, code: string): void {
  const before = structuredClone(input.kept);
  assert.equal(refusalOf(input), code);
  assert.deepEqual(input.kept, before);
}

export function withList(input: EvidenceInput, bytes: Uint8Array): EvidenceInput {
  return { ...input, list: { ...input.list, bytes } };
}

/** The records of a list that was sent, one by one. */
export function recordsOf({ list }: EvidenceInput): Uint8Array[] {
  const { entries } = parseBinaryList(list.bytes, { bank: list.bank });
  return entries.map(({ offset, length }) => list.bytes.subarray(offset, offset + length));
}

export function entriesOf(bench: Bench): MeasurementEntry[] {
  return parseBinaryList(bench.host.list.bytes(), { bank: bench.host.list.bank }).entries;
}

const forger = eccKey();

/** A key in software whose public area is that of an attestation key. */
export const FORGER = {
  ...forger,
  ak: checkAttestationKey(parsePublic(encodePublic(forger.area)), nodeCrypto.hasher),
};

/**
 * The same round by a key in software, which signs what no TPM would: to reach the checks behind the signature.
 * @param change of the quote, before it is signed
 */
export function forgedRound(
  input: EvidenceInput,
  change: (attest: ParsedAttest) => Partial<ParsedAttest> = () => ({}),
): EvidenceInput {
  const attest = parseAttest(input.message);
  const { nonce, session, facts } = input;
  const extraData = bindingDigest(nodeCrypto.hasher, { nonce, session, akName: FORGER.ak.name, facts });
  const message = encodeAttest({ ...attest, extraData, ...change({ ...attest, extraData }) });
  return { ...input, ak: FORGER.ak, message, signature: signBy(FORGER, message) };
}
