import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';

/** Choices that look like chance, and are the same for the same seed. */
export class Chance {
  readonly #seed: string;
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Choices of their own, which do not depend on how many were made here. */
  of(name: string): Chance {
    return new Chance(`${this.#seed}/${name}`);
  }

  /** 32 bytes. */
  bytes(): Uint8Array {
    return nodeHasher.digest('sha256', utf8(`${this.#seed}#${this.#drawn++}`));
  }

  /** A whole number from 0 up to, and without, `end`. */
  below(end: number): number {
    const { buffer, byteOffset } = this.bytes();
    return new DataView(buffer, byteOffset).getUint32(0) % end;
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, key: this.below(2 ** 32) }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }
}
