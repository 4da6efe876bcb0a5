import { FormatError } from '../errors/index.ts';

/** In the order of their kernel numbers. Not every one of them can be computed everywhere (see `Hasher`). */
export type HashName =
  | 'md4'
  | 'md5'
  | 'sha1'
  | 'rmd160'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha224'
  | 'rmd128'
  | 'rmd256'
  | 'rmd320'
  | 'wp256'
  | 'wp384'
  | 'wp512'
  | 'tgr128'
  | 'tgr160'
  | 'tgr192'
  | 'sm3'
  | 'streebog256'
  | 'streebog512'
  | 'sha3-256'
  | 'sha3-384'
  | 'sha3-512';

export interface HashAlgorithm {
  /** The kernel's name (crypto/hash_info.c hash_algo_name). */
  readonly name: HashName;
  /** Digest size in bytes. */
  readonly size: number;
  /** TPM_ALG_ID (TCG Algorithm Registry), where the kernel's TPM driver has banks of it (tpm2-cmd.c, tpm2_hash_map). */
  readonly tpmId?: number;
  /** enum hash_algo in include/uapi/linux/hash_info.h. */
  readonly kernelId: number;
}

const ALGORITHMS: Readonly<Record<HashName, HashAlgorithm>> = {
  md4: { name: 'md4', size: 16, kernelId: 0 },
  md5: { name: 'md5', size: 16, kernelId: 1 },
  sha1: { name: 'sha1', size: 20, tpmId: 0x0004, kernelId: 2 },
  rmd160: { name: 'rmd160', size: 20, kernelId: 3 },
  sha256: { name: 'sha256', size: 32, tpmId: 0x000b, kernelId: 4 },
  sha384: { name: 'sha384', size: 48, tpmId: 0x000c, kernelId: 5 },
  sha512: { name: 'sha512', size: 64, tpmId: 0x000d, kernelId: 6 },
  sha224: { name: 'sha224', size: 28, kernelId: 7 },
  rmd128: { name: 'rmd128', size: 16, kernelId: 8 },
  rmd256: { name: 'rmd256', size: 32, kernelId: 9 },
  rmd320: { name: 'rmd320', size: 40, kernelId: 10 },
  wp256: { name: 'wp256', size: 32, kernelId: 11 },
  wp384: { name: 'wp384', size: 48, kernelId: 12 },
  wp512: { name: 'wp512', size: 64, kernelId: 13 },
  tgr128: { name: 'tgr128', size: 16, kernelId: 14 },
  tgr160: { name: 'tgr160', size: 20, kernelId: 15 },
  tgr192: { name: 'tgr192', size: 24, kernelId: 16 },
  sm3: { name: 'sm3', size: 32, tpmId: 0x0012, kernelId: 17 },
  streebog256: { name: 'streebog256', size: 32, kernelId: 18 },
  streebog512: { name: 'streebog512', size: 64, kernelId: 19 },
  'sha3-256': { name: 'sha3-256', size: 32, kernelId: 20 },
  'sha3-384': { name: 'sha3-384', size: 48, kernelId: 21 },
  'sha3-512': { name: 'sha3-512', size: 64, kernelId: 22 },
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

const BY_KERNEL_ID = new Map(Object.values(ALGORITHMS).map((algorithm) => [algorithm.kernelId, algorithm]));

/** @throws FormatError HASH-UNKNOWN */
export function hashOfKernelId(id: number): HashAlgorithm {
  const algorithm = BY_KERNEL_ID.get(id);
  if (algorithm === undefined) throw new FormatError('HASH-UNKNOWN', `the kernel has no hash algorithm ${id}`);
  return algorithm;
}
