import type { MeasurementEntry } from '@assay/core/measurement';
import type { DeciderSetup } from './decision/setup.ts';
import { digestedDraft, extendedIn, listedKey, type Banks, type DigestedEntry } from './digested.ts';
import { bootAggregateDraft, IMA_PCR, type EntryDraft } from './drafts.ts';
import { listBase } from './list-base.ts';
import { ListFiles, rotateList } from './list-files.ts';
import { resumption, type Resumption } from './list-resume.ts';
import type { EngineTpm } from './engine-tpm.ts';
import {
  activeBanks,
  extendedPcrs,
  foreignPcr,
  isEmptyPcr,
  readPcr,
  readPcrs,
  samePcrs,
  type PcrValues,
} from './pcr.ts';

/** Into which the policy lets entries go, besides PCR 10. */
export function pcrsOf({ rules }: Pick<DeciderSetup, 'rules'>): number[] {
  return [...new Set(rules.flatMap(({ rule }) => rule.pcr ?? []))];
}

/** The measurement list with its PCRs, mostly PCR 10: an entry is in the files before it is extended, and the order is the same in both. */
export class MeasurementList {
  readonly #directory: string;
  readonly #tpm: EngineTpm;
  readonly #banks: Banks;
  readonly #files: ListFiles;
  /** All entries: what is listed is not listed again. */
  readonly #listed: Set<string>;
  /** Written and not yet extended, oldest first. */
  readonly #waiting: DigestedEntry[];
  /** The PCRs before those that wait. */
  #values: PcrValues;
  /** An extend failed, and may have happened all the same. */
  #inDoubt = false;

  private constructor(directory: string, tpm: EngineTpm, banks: Banks, { entries, extended, values }: Resumption) {
    this.#directory = directory;
    this.#tpm = tpm;
    this.#banks = banks;
    this.#files = new ListFiles(directory, banks, entries);
    this.#listed = new Set(entries.flatMap((entry) => listedKey(entry) ?? []));
    this.#waiting = entries.slice(extended);
    this.#values = values;
  }

  /**
   * Begins a list with `boot_aggregate`, or continues the one in the directory and extends what an unclean end left out.
   * PCR 10 tells which: it is empty after a start of the machine or of its TPM.
   * @param pcrs into which entries will go, besides PCR 10
   * @throws SystemError PCR-FOREIGN, TPM-BANK; errors of the TPM and of files
   */
  static async open(
    directory: string,
    tpm: EngineTpm,
    pcrs: readonly number[] = [],
  ): Promise<{ list: MeasurementList; continued: boolean }> {
    const banks = await activeBanks(tpm);
    const isNew = isEmptyPcr(await readPcr(tpm, banks, IMA_PCR));
    const first = isNew ? [await bootAggregateDraft(tpm, banks)] : [];
    if (isNew) rotateList(directory);
    const base = await listBase(directory, tpm, banks, { pcrs, isNew });
    const found = isNew
      ? { entries: [], extended: 0, values: base }
      : resumption(directory, banks, base, await readPcrs(tpm, banks, base.keys()));
    const list = new MeasurementList(directory, tpm, banks, found);
    try {
      list.append(first);
      while (list.#waiting.length > 0) await list.extendNext();
    } catch (error) {
      list.close();
      throw error;
    }
    return { list, continued: !isNew };
  }

  /**
   * Lets entries go into further PCRs, of which it is noted how they began.
   * @throws errors of the TPM and of files
   */
  async takeIn(pcrs: readonly number[]): Promise<void> {
    const base = await listBase(this.#directory, this.#tpm, this.#banks, { pcrs, isNew: false });
    this.#values = new Map([...base, ...this.#values]);
  }

  get count(): number {
    return this.#files.count;
  }

  get violations(): number {
    return this.#files.violations;
  }

  /**
   * Writes the entries that are not listed yet; `extendNext` is to follow once for each of them.
   * @returns for each draft its entry, or undefined where it is listed already
   */
  append(drafts: readonly EntryDraft[]): (MeasurementEntry | undefined)[] {
    const added: DigestedEntry[] = [];
    const keys = new Set<string>();
    const isNew = drafts.map((draft) => {
      const entry = digestedDraft(this.#banks, draft);
      const key = listedKey(entry);
      if (key !== undefined && (this.#listed.has(key) || keys.has(key))) return false;
      if (key !== undefined) keys.add(key);
      added.push(entry);
      return true;
    });
    const written = this.#files.append(added).values();
    for (const key of keys) this.#listed.add(key);
    this.#waiting.push(...added);
    return isNew.map((fresh) => (fresh ? written.next().value : undefined));
  }

  /**
   * Extends the oldest entry that waits, in all banks. After an error it can be called again.
   * @throws SystemError PCR-FOREIGN where something else extended the PCR; errors of the TPM
   */
  async extendNext(): Promise<void> {
    const [entry] = this.#waiting;
    if (entry === undefined) return;
    const after = extendedPcrs(this.#values, entry);
    if (!(this.#inDoubt && (await this.#holds(after)))) {
      this.#inDoubt = true;
      await this.#tpm.extendPcr(entry.pcr, new Map(this.#banks.map((bank) => [bank, extendedIn(bank, entry)])));
    }
    this.#inDoubt = false;
    this.#values = new Map([...this.#values, ...after]);
    this.#waiting.shift();
  }

  /** Whether the PCRs have the values after an extend; false where they have those before. */
  async #holds(after: PcrValues): Promise<boolean> {
    const values = await readPcrs(this.#tpm, this.#banks, after.keys());
    if (samePcrs(values, after)) return true;
    if (samePcrs(values, this.#values)) return false;
    throw foreignPcr('it changed without the engine');
  }

  close(): void {
    this.#files.close();
  }
}
