import { readFileSync } from 'node:fs';
import { equalBytes, isAllZero, toHex } from '@assay/core/bytes';
import { hashAlgorithm } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { EntryCheck } from './measurement-entry.ts';
import { listRecords, type ListRecord } from './measurement-records.ts';
import { BANKS, PCR_COUNT, readPcrs, type Bank, type Pcrs } from './pcrs.ts';
import { PublicKeys } from './public-keys.ts';
import { Failure, type Run } from './run.ts';

const VIOLATION = 0xff;

/**
 * `evmctl ima_measurement`: replays a list and looks after each record whether the PCRs are reached, by the digests of each
 * bank or by SHA-1 digests padded with zeros.
 * @throws Failure
 */
export async function imaMeasurement(run: Run, path: string): Promise<void> {
  const list = run.attempt(() => readFileSync(path));
  if (list === undefined) throw new Failure(`Failed to open measurement file: ${path}`);
  const keys = new PublicKeys(run);
  run.errno = 0;
  const pcrs = await readPcrs(run);
  const goals = pcrs === undefined ? undefined : new Goals(run, pcrs);
  const entries = new EntryCheck(run, keys);
  let wrongDigests = false;
  let number = 0;
  for (const record of listRecords(list)) {
    number++;
    wrongDigests ||= hasWrongDigest(run, record, number);
    goals?.extend(record, number);
    await entries.check(record);
    if (goals?.result === 'matched') break;
  }
  conclude(run, goals, wrongDigests);
}

function hasWrongDigest(run: Run, { digest, data }: ListRecord, line: number): boolean {
  if (isAllZero(digest) || equalBytes(nodeHasher.digest('sha1', data), digest)) return false;
  run.detail(`Failed to verify template data digest(line ${line}).`);
  return true;
}

function conclude(run: Run, goals: Goals | undefined, wrongDigests: boolean): void {
  const result = goals?.result ?? 'unread';
  run.say(RESULTS[result]);
  if (wrongDigests) throw new Failure('Failed to verify template data digest.', 1);
  if (result === 'failed') throw new Failure('', 1);
}

const RESULTS = {
  unread: 'Failed to read any TPM PCRs',
  matched: 'Matched per TPM bank calculated digest(s).',
  padded: 'Matched SHA1 padded TPM digest(s).',
  failed: 'Failed to match per TPM bank or SHA1 padded TPM digest(s).',
} as const;

/** The PCRs of one bank as the list leads to them, by one of the two rules. */
class Replay {
  readonly #bank: Bank;
  readonly #padded: boolean;
  readonly #values: Uint8Array[];
  readonly #violation: Uint8Array;
  #reached = false;

  constructor(bank: Bank, padded: boolean, ignoreViolations: boolean) {
    const { size } = hashAlgorithm(bank);
    this.#bank = bank;
    this.#padded = padded;
    this.#values = Array.from({ length: PCR_COUNT }, () => new Uint8Array(size));
    this.#violation = new Uint8Array(size);
    const marked = padded ? hashAlgorithm('sha1').size : size;
    if (ignoreViolations) this.#violation.fill(VIOLATION, 0, marked);
  }

  get reached(): boolean {
    return this.#reached;
  }

  extend(record: ListRecord): void {
    const value = this.#values[record.pcr];
    if (this.#reached || value === undefined) return;
    this.#values[record.pcr] = nodeHasher.digest(this.#bank, value, this.#digestOf(record));
  }

  #digestOf({ digest, data }: ListRecord): Uint8Array {
    if (isAllZero(digest)) return this.#violation;
    if (!this.#padded) return nodeHasher.digest(this.#bank, data);
    const padded = new Uint8Array(hashAlgorithm(this.#bank).size);
    padded.set(digest);
    return padded;
  }

  /** Compares the PCRs that the list has extended. */
  compare(run: Run, expected: readonly Uint8Array[], entry: number): void {
    this.#values.forEach((value, pcr) => {
      const wanted = expected[pcr];
      if (isAllZero(value) || wanted === undefined) return;
      const same = equalBytes(value, wanted);
      run.detail(`${this.#bank}: PCRAgg  ${pcr}: ${toHex(value)}\n${this.#bank}: TPM PCR-${pcr}: ${toHex(wanted)}`);
      if (same) run.detail(`${this.#bank} PCR-${pcr}: succeed at entry ${entry}`);
      else run.detail(`${this.#bank}: PCRAgg ${pcr} does not match TPM PCR-${pcr}`);
    });
    this.#reached = this.#values.every((value, pcr) => isAllZero(value) || equalBytes(value, expected[pcr] ?? value));
  }
}

/** The PCR values that a list must lead to. */
class Goals {
  readonly #run: Run;
  readonly #pcrs: Pcrs;
  readonly #banks: readonly Bank[];
  readonly #replays: Readonly<Record<'own' | 'padded', ReadonlyMap<Bank, Replay>>>;

  constructor(run: Run, pcrs: Pcrs) {
    const { bank, ignoreViolations } = run.settings;
    this.#run = run;
    this.#pcrs = pcrs;
    this.#banks = BANKS.filter((each) => pcrs.has(each) && (bank === undefined || bank === each));
    const replays = (padded: boolean) =>
      new Map(this.#banks.map((each) => [each, new Replay(each, padded, ignoreViolations)]));
    this.#replays = { own: replays(false), padded: replays(true) };
  }

  extend(record: ListRecord, entry: number): void {
    for (const replays of Object.values(this.#replays)) {
      for (const [bank, replay] of replays) {
        if (replay.reached) continue;
        replay.extend(record);
        replay.compare(this.#run, this.#pcrs.get(bank) ?? [], entry);
      }
    }
  }

  /** Reached by every bank that counts; without a bank or a record, by none. */
  get result(): 'matched' | 'padded' | 'failed' {
    if (this.#isReached('own')) return 'matched';
    return this.#isReached('padded') ? 'padded' : 'failed';
  }

  #isReached(rule: 'own' | 'padded'): boolean {
    const replays = [...this.#replays[rule].values()];
    return replays.length > 0 && replays.every(({ reached }) => reached);
  }
}
