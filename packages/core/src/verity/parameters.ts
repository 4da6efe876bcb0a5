import { FormatError } from '../errors/index.ts';

/** With fs-verity's own number of the algorithm (include/uapi/linux/fsverity.h) and the hash's block size in bytes. */
const HASHES = { sha256: { id: 1, size: 32, block: 64 }, sha512: { id: 2, size: 64, block: 128 } } as const;
const SMALLEST_BLOCK = 1024;
/** Page size of arm64 and powerpc at most. */
const LARGEST_BLOCK = 65536;
const LARGEST_SALT = 32;

export type VerityHash = keyof typeof HASHES;

export interface VerityParameters {
  readonly algorithm: VerityHash;
  /** Bytes; a power of two from 1024 to 65536, which the kernel limits further to its page size. */
  readonly blockSize: number;
  /** At most 32 bytes; none is the usual. */
  readonly salt: Uint8Array;
}

/** What the tools and the kernel take unless told otherwise. */
export const VERITY_DEFAULTS: VerityParameters = { algorithm: 'sha256', blockSize: 4096, salt: new Uint8Array(0) };

/** fs-verity's number of the algorithm and the sizes of its digest and block in bytes. */
export function verityHash(algorithm: VerityHash): {
  readonly id: number;
  readonly size: number;
  readonly block: number;
} {
  return HASHES[algorithm];
}

/** @throws FormatError VERITY-PARAMETER */
export function checkVerityParameters({ algorithm, blockSize, salt }: VerityParameters): void {
  if (!Object.hasOwn(HASHES, algorithm)) throw refused(`hash algorithm ${JSON.stringify(algorithm)}`);
  const power = Number.isInteger(Math.log2(blockSize));
  if (!power || blockSize < SMALLEST_BLOCK || blockSize > LARGEST_BLOCK) throw refused(`block size ${blockSize}`);
  if (salt.length > LARGEST_SALT) throw refused(`a salt of ${salt.length} bytes`);
}

function refused(what: string): FormatError {
  return new FormatError('VERITY-PARAMETER', `fs-verity does not take ${what}`);
}
