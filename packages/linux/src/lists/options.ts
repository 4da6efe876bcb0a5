import type { InPlaceHasher } from '@assay/core/hash';
import type { VerifyOptions } from '@assay/core/measurement';

/** Where a list is read from its beginning. */
export interface ListSource {
  /** Bytes, where they are known. */
  readonly size?: number;
  /** Reads the next bytes into `target` from `start` on. @returns how many, 0 at the end */
  read(target: Uint8Array, start: number): Promise<number>;
}

export interface VerifyListOptions extends VerifyOptions {
  /** Threads that compute. Default: as many as there are cores for, where the list is long enough to pay. */
  readonly cores?: number;
  /** For the digests of this thread. Default: the fastest. */
  readonly hasher?: InPlaceHasher;
  /** Called now and then with what is verified so far. */
  readonly progress?: (entries: number, bytes: number) => void;
}
