import { sameFile, sameState, type FileStatus, type Stamp } from '@assay/linux/files';
import type { HashName } from '@assay/core/hash';
import type { FileMemory } from '../decision/contract.ts';

/** What is known of one inode. */
export interface KnownFile {
  /** The state that all but the memory holds for. */
  stamp: Stamp;
  /** Of the policy that gave the verdicts. */
  epoch: number;
  /** Questions that were answered with yes and nothing to record (`verdictKey`). */
  readonly verdicts: Set<string>;
  /** What these questions were about (`USE`). */
  uses: number;
  /** Of the content, where nobody could have changed it since without another ctime. */
  digests: ReadonlyMap<HashName, Uint8Array> | undefined;
  memory: FileMemory | undefined;
}

interface AnsweredQuestion {
  readonly inodeKey: number;
  readonly verdictKey: string;
}

interface FoundFile extends Pick<KnownFile, 'stamp' | 'uses' | 'digests' | 'memory'> {
  /** Whether the same question may be answered so again, and by which policy. */
  readonly cache: { readonly epoch: number } | undefined;
}

/** A question that one verdict answers: what for the file is opened, and by whom as far as the policy looks. */
export function verdictKey(access: string, subject: string): string {
  return subject === '' ? access : `${access} ${subject}`;
}

/**
 * Verdicts that may be given again: keyed by device, inode and birth time, and good for one size, ctime and policy. What may
 * come in is decided in `EventFile.isSteady`. The oldest file goes when there are too many.
 */
export class VerdictCache {
  readonly #files = new Map<number, KnownFile>();
  readonly #limit: number;

  constructor(limit = 65_536) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#files.size;
  }

  /** The file, where this question was answered for it as it is now, under the same policy. */
  allowing(status: FileStatus, epoch: number, key: string): KnownFile | undefined {
    const file = this.#files.get(status.inodeKey);
    const isAllowed = file?.epoch === epoch && file.verdicts.has(key) && status.matches(file.stamp);
    return isAllowed ? file : undefined;
  }

  /** What is known of the inode, in whatever state it was; of another one that had its number nothing. */
  known(stamp: Stamp, inodeKey: number): KnownFile | undefined {
    const file = this.#files.get(inodeKey);
    return file !== undefined && sameFile(file.stamp, stamp) ? file : undefined;
  }

  /** Its questions are asked anew. */
  forget(inodeKey: number): void {
    const file = this.#files.get(inodeKey);
    if (file !== undefined) forgetVerdicts(file);
  }

  /** Nothing is answered any more by what was found until now: numbers and times may mean other states of other files. */
  doubt(): void {
    for (const file of this.#files.values()) {
      forgetVerdicts(file);
      file.digests = undefined;
      if (file.memory !== undefined) file.memory = { ...file.memory, of: undefined };
    }
  }

  /** What a verdict says of the file goes beside what is known of it in the same state, by the same policy. */
  remember({ inodeKey, verdictKey: key }: AnsweredQuestion, { stamp, cache, digests, memory, uses }: FoundFile): void {
    const before = this.known(stamp, inodeKey);
    const isSame = before !== undefined && before.epoch === cache?.epoch && sameState(before.stamp, stamp);
    const verdicts = isSame ? before.verdicts : new Set<string>();
    if (cache !== undefined) verdicts.add(key);
    const known = (isSame ? before.uses : 0) | (cache === undefined ? 0 : uses);
    this.put(inodeKey, { stamp, epoch: cache?.epoch ?? -1, verdicts, uses: known, digests, memory });
  }

  put(inodeKey: number, file: KnownFile): void {
    const [oldest] = this.#files.keys();
    if (oldest !== undefined && this.#files.size >= this.#limit && !this.#files.has(inodeKey))
      this.#files.delete(oldest);
    this.#files.set(inodeKey, file);
  }
}

function forgetVerdicts(file: KnownFile): void {
  file.verdicts.clear();
  file.uses = 0;
}
