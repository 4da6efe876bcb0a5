import { rotationPairs, type MeasurementEntry, type Rotation } from '@assay/core/measurement';
import { Archive, type ArchiveOptions, type ArchiveStatus } from './archive.ts';
import type { DeciderSetup } from './decision/setup.ts';
import { digestedDraft, extendedIn, listedKey, type Banks, type DigestedEntry } from './digested.ts';
import { bootAggregateDraft, IMA_PCR, recordDraft, type EntryDraft } from './drafts.ts';
import { listBase } from './list-base.ts';
import { ListFiles, setListAside } from './list-files.ts';
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

  readonly #archive: Archive | undefined;
  /** The newest one whose segment is in the archive. */
  #rotation: Rotation | undefined;
  /** One whose segment is there, and which is on its way into the list. */
  #rotating: Rotation | undefined;

  private constructor(
    directory: string,
    tpm: EngineTpm,
    { banks, found, archive }: { banks: Banks; found: Resumption; archive: Archive | undefined },
  ) {
    const { before, entries, extended, values, archived } = found;
    this.#directory = directory;
    this.#tpm = tpm;
    this.#banks = banks;
    this.#archive = archive;
    if (archive !== undefined && found.problem !== undefined) archive.problem = found.problem;
    this.#rotation = before;
    this.#files = new ListFiles(directory, banks, entries, before);
    this.#listed = new Set(archived);
    for (const entry of entries) {
      const key = listedKey(entry);
      if (key !== undefined) this.#listed.add(key);
    }
    this.#waiting = entries.slice(extended);
    this.#values = values;
  }

  /**
   * Begins a list with `boot_aggregate`, or continues the one in the directory and extends what an unclean end left out.
   * PCR 10 tells which: it is empty after a start of the machine or of its TPM.
   * @param pcrs into which entries will go, besides PCR 10
   * @param into where the beginning of the list goes when it is long; left out, the list stays in its directory
   * @throws SystemError PCR-FOREIGN, TPM-BANK, ENGINE-ARCHIVE; errors of the TPM and of files
   */
  static async open(
    directory: string,
    tpm: EngineTpm,
    pcrs: readonly number[] = [],
    into?: ArchiveOptions,
  ): Promise<{ list: MeasurementList; continued: boolean }> {
    const banks = await activeBanks(tpm);
    const isNew = isEmptyPcr(await readPcr(tpm, banks, IMA_PCR));
    const first = isNew ? [await bootAggregateDraft(tpm, banks)] : [];
    if (isNew) setListAside(directory);
    const archive = into && Archive.open(into, directory, isNew);
    try {
      const base = await listBase(directory, tpm, banks, { pcrs, isNew });
      const found = isNew
        ? { ...NOTHING, values: base }
        : await resumption(directory, banks, base, await readPcrs(tpm, banks, base.keys()));
      return {
        list: await MeasurementList.#begun(directory, tpm, { banks, found, archive }, first),
        continued: !isNew,
      };
    } catch (error) {
      archive?.close();
      throw error;
    }
  }

  static async #begun(
    directory: string,
    tpm: EngineTpm,
    parts: { banks: Banks; found: Resumption; archive: Archive | undefined },
    first: readonly EntryDraft[],
  ): Promise<MeasurementList> {
    const list = new MeasurementList(directory, tpm, parts);
    try {
      list.append(first);
      while (list.#waiting.length > 0) await list.extendNext();
      return list;
    } catch (error) {
      list.#files.close();
      throw error;
    }
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

  /** Undefined where there is none. */
  get archive(): ArchiveStatus | undefined {
    const { directory, size, problem } = this.#archive ?? {};
    if (directory === undefined || size === undefined) return undefined;
    const { entries = 0, segment: segments = 0 } = this.#rotation ?? {};
    return { directory, size, entries, segments, ...(problem === undefined ? {} : { problem }) };
  }

  /**
   * Where the list is long, puts all of it into the archive; what is returned is then to be appended and extended before
   * anything else, and `endRotation` is to follow. An end in between costs nothing: whatever is in the list explains the PCRs.
   * @throws Error of the file system; the list stays as it is
   */
  beginRotation(): EntryDraft | undefined {
    const archive = this.#archive;
    if (archive === undefined || this.#waiting.length > 0 || !archive.isDue(this.#files.size)) return undefined;
    try {
      this.#rotating = this.#stored(archive);
    } catch (error) {
      archive.postpone(this.#files.size, error instanceof Error ? error.message : String(error));
      throw error;
    }
    return recordDraft('rotation', rotationPairs(this.#rotating));
  }

  #stored(archive: Archive): Rotation {
    const segment = (this.#rotation?.segment ?? 0) + 1;
    const sha256 = archive.store(segment, this.#files.mark());
    const { count: entries, violations, end: bytes } = this.#files;
    return { segment, entries, violations, bytes, bank: this.#banks[0], sha256, values: this.#values };
  }

  /** Takes out of the directory what is in the archive. @throws Error of the file system; the list stays as it is */
  endRotation(): void {
    if (this.#rotating === undefined) return;
    try {
      this.#files.cut();
      this.#rotation = this.#rotating;
      this.#archive?.settle();
    } catch (error) {
      this.#archive?.postpone(this.#files.size, error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      this.#rotating = undefined;
    }
  }

  close(): void {
    this.#files.close();
    this.#archive?.close();
  }
}

const NOTHING = { before: undefined, entries: [], extended: 0, archived: new Set<string>() } as const;
