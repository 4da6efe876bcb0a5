import type { MeasurementEntry } from '@assay/core/measurement';
import { digestedDraft, digestedEntry, digestIn, listedKey, type Banks, type DigestedEntry } from './digested.ts';
import { bootAggregateDraft, IMA_PCR, type EntryDraft } from './drafts.ts';
import { ListFiles, rotateList } from './list-files.ts';
import { resumption, type Resumption } from './list-resume.ts';
import type { EngineTpm } from './options.ts';
import { activeBanks, extendedPcr, foreignPcr, readPcr, replayedPcr, samePcr, type PcrValues } from './pcr.ts';

/** The measurement list with PCR 10: an entry is in the files before it is extended, and the order is the same in both. */
export class MeasurementList {
  readonly #tpm: EngineTpm;
  readonly #banks: Banks;
  readonly #files: ListFiles;
  /** All entries: what is listed is not listed again. */
  readonly #listed: Set<string>;
  /** Written and not yet extended, oldest first. */
  readonly #waiting: DigestedEntry[];
  /** PCR 10 before those that wait. */
  #values: PcrValues;
  /** An extend failed, and may have happened all the same. */
  #inDoubt = false;

  private constructor(directory: string, tpm: EngineTpm, banks: Banks, { entries, extended }: Resumption) {
    const digested = entries.map((entry) => digestedEntry(banks, entry));
    this.#tpm = tpm;
    this.#banks = banks;
    this.#files = new ListFiles(directory, banks, digested);
    this.#listed = new Set(digested.map(listedKey));
    this.#waiting = digested.slice(extended);
    this.#values = replayedPcr(banks, entries.slice(0, extended));
  }

  /**
   * Begins a list with `boot_aggregate`, or continues the one in the directory and extends what an unclean end left out.
   * @throws SystemError PCR-FOREIGN, TPM-BANK; errors of the TPM and of files
   */
  static async open(directory: string, tpm: EngineTpm): Promise<{ list: MeasurementList; continued: boolean }> {
    const banks = await activeBanks(tpm);
    const found = resumption(directory, banks, await readPcr(tpm, banks));
    const first = found.continued ? [] : [await bootAggregateDraft(tpm, banks)];
    if (!found.continued) rotateList(directory);
    const list = new MeasurementList(directory, tpm, banks, found);
    try {
      list.append(first);
      while (list.#waiting.length > 0) await list.extendNext();
    } catch (error) {
      list.close();
      throw error;
    }
    return { list, continued: found.continued };
  }

  get count(): number {
    return this.#files.count;
  }

  /**
   * Writes the entries that are not listed yet; `extendNext` is to follow once for each of them.
   * @returns for each draft its entry, or undefined where it is listed already
   */
  append(drafts: readonly EntryDraft[]): (MeasurementEntry | undefined)[] {
    const added = new Map<string, DigestedEntry>();
    const isNew = drafts.map((draft) => {
      const entry = digestedDraft(this.#banks, draft);
      const key = listedKey(entry);
      if (this.#listed.has(key) || added.has(key)) return false;
      added.set(key, entry);
      return true;
    });
    const written = this.#files.append([...added.values()]).values();
    for (const [key, entry] of added) {
      this.#listed.add(key);
      this.#waiting.push(entry);
    }
    return isNew.map((fresh) => (fresh ? written.next().value : undefined));
  }

  /**
   * Extends the oldest entry that waits, in all banks. After an error it can be called again.
   * @throws SystemError PCR-FOREIGN where something else extended the PCR; errors of the TPM
   */
  async extendNext(): Promise<void> {
    const [entry] = this.#waiting;
    if (entry === undefined) return;
    const after = extendedPcr(this.#values, entry);
    if (!(this.#inDoubt && (await this.#holds(after)))) {
      this.#inDoubt = true;
      await this.#tpm.extendPcr(IMA_PCR, new Map(this.#banks.map((bank) => [bank, digestIn(bank, entry)])));
    }
    this.#inDoubt = false;
    this.#values = after;
    this.#waiting.shift();
  }

  /** Whether PCR 10 has the value after an extend; false where it has the one before. */
  async #holds(after: PcrValues): Promise<boolean> {
    const values = await readPcr(this.#tpm, this.#banks);
    if (samePcr(values, after)) return true;
    if (samePcr(values, this.#values)) return false;
    throw foreignPcr('it changed without the engine');
  }

  close(): void {
    this.#files.close();
  }
}
