import { FormatError } from '../errors/index.ts';

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'sm3';

export interface HashAlgorithm {
  /** The kernel's name (crypto/hash_info.c hash_algo_name). */
  readonly name: HashName;
  /** Digest size in bytes. */
  readonly size: number;
  /** TPM_ALG_ID (TCG Algorithm Registry), where the TPM knows the algorithm. */
  readonly tpmId?: number;
  /** enum hash_algo in include/uapi/linux/hash_info.h. */
  readonly kernelId: number;
}

const ALGORITHMS: Readonly<Record<HashName, HashAlgorithm>> = {
  md5: { name: 'md5', size: 16, kernelId: 1 },
  sha1: { name: 'sha1', size: 20, tpmId: 0x0004, kernelId: 2 },
  sha256: { name: 'sha256', size: 32, tpmId: 0x000b, kernelId: 4 },
  sha384: { name: 'sha384', size: 48, tpmId: 0x000c, kernelId: 5 },
  sha512: { name: 'sha512', size: 64, tpmId: 0x000d, kernelId: 6 },
  sm3: { name: 'sm3', size: 32, tpmId: 0x0012, kernelId: 17 },
};

export const HASH_NAMES: readonly HashName[] = Object.keys(ALGORITHMS).filter(isHashName);

export function isHashName(name: string): name is HashName {
  return Object.hasOwn(ALGORITHMS, name);
}

export function hashAlgorithm(name: HashName): HashAlgorithm {
  return ALGORITHMS[name];
}

/** @throws FormatError HASH-UNKNOWN */
export function hashNamed(name: string): HashAlgorithm {
  if (!isHashName(name))
    throw new FormatError('HASH-UNKNOWN', `unknown hash algorithm ${JSON.stringify(name.slice(0, 40))}`);
  return ALGORITHMS[name];
}

const BY_TPM_ID = new Map(Object.values(ALGORITHMS).map((algorithm) => [algorithm.tpmId, algorithm]));

/** @throws FormatError HASH-UNKNOWN */
export function hashOfTpmId(id: number): HashAlgorithm {
  const algorithm = BY_TPM_ID.get(id);
  if (algorithm === undefined)
    throw new FormatError('HASH-UNKNOWN', `unknown TPM hash algorithm 0x${id.toString(16).padStart(4, '0')}`);
  return algorithm;
}
