import type { Hasher } from '../hash/index.ts';
import { verityDescriptor, zeroPadded } from './descriptor.ts';
import { checkVerityParameters, verityHash, VERITY_DEFAULTS, type VerityParameters } from './parameters.ts';

export interface VerityResult {
  /** Root of the Merkle tree. */
  readonly root: Uint8Array;
  /** What `fsverity digest` prints and IMA measures: the digest of the descriptor. */
  readonly digest: Uint8Array;
  /** Bytes of the file. */
  readonly size: number;
}

/** One level of the tree, of which only the block that is not full yet is kept. Level 0 is the file itself. */
interface Level {
  readonly block: Uint8Array;
  filled: number;
  /** Bytes that came to this level. */
  total: number;
}

/**
 * Computes the fs-verity digest of a file that is given from front to back in pieces of any size, keeping one block
 * a level (fs/verity/enable.c, build_merkle_tree). The kernel refuses files whose tree has more than eight levels.
 */
export class VerityDigest {
  readonly #hasher: Hasher;
  readonly #parameters: VerityParameters;
  readonly #salt: Uint8Array;
  readonly #levels: Level[];

  /** @throws FormatError VERITY-PARAMETER */
  constructor(hasher: Hasher, parameters: VerityParameters = VERITY_DEFAULTS) {
    checkVerityParameters(parameters);
    const { algorithm, salt } = parameters;
    this.#hasher = hasher;
    this.#parameters = parameters;
    this.#salt = salt.length === 0 ? salt : zeroPadded(salt, verityHash(algorithm).block);
    this.#levels = [this.#emptyLevel()];
  }

  update(chunk: Uint8Array): this {
    this.#add(0, chunk);
    return this;
  }

  /** To be called once. */
  finish(): VerityResult {
    const size = this.#level(0).total;
    const root = this.#root();
    const descriptor = verityDescriptor(this.#parameters, size, root);
    return { root, digest: this.#hasher.digest(this.#parameters.algorithm, descriptor), size };
  }

  #root(): Uint8Array {
    const { size } = verityHash(this.#parameters.algorithm);
    // The file itself is never the root, so a file of one block, or of none, takes this step.
    if (this.#level(0).total === 0) return new Uint8Array(size);
    this.#flush(0);
    for (let at = 1; ; at++) {
      const level = this.#level(at);
      if (level.total === size) return level.block.slice(0, size);
      this.#flush(at);
    }
  }

  #add(at: number, bytes: Uint8Array): void {
    const level = this.#level(at);
    level.total += bytes.length;
    let taken = 0;
    while (taken < bytes.length) {
      // A full block waits until more comes: what is the last block of its level is not known before.
      if (level.filled === level.block.length) this.#flush(at);
      const part = bytes.subarray(taken, taken + level.block.length - level.filled);
      level.block.set(part, level.filled);
      level.filled += part.length;
      taken += part.length;
    }
  }

  /** Hands the digest of the block of this level, padded with zeros, to the level above. */
  #flush(at: number): void {
    const level = this.#level(at);
    level.block.fill(0, level.filled);
    const digest = this.#hasher.digest(this.#parameters.algorithm, this.#salt, level.block);
    level.filled = 0;
    this.#add(at + 1, digest);
  }

  #level(at: number): Level {
    return (this.#levels[at] ??= this.#emptyLevel());
  }

  #emptyLevel(): Level {
    return { block: new Uint8Array(this.#parameters.blockSize), filled: 0, total: 0 };
  }
}
