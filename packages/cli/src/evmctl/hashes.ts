import { closeSync, constants } from 'node:fs';
import { isHashName, type HashName } from '@assay/core/hash';
import type { ComputedDigest } from '@assay/core/label';
import { hashFile } from '@assay/linux/files';
import { opensslDigest } from '@assay/linux/signers';
import { Failure, shown, type Run } from './run.ts';

/** evmctl's names where they are OpenSSL's. */
const NAMES: Readonly<Record<string, HashName>> = { md_gost12_256: 'streebog256', md_gost12_512: 'streebog512' };
/** Whether only an engine or provider of OpenSSL computes it. */
export function isOfEngines(algorithm: HashName): boolean {
  return algorithm === 'streebog256' || algorithm === 'streebog512';
}

/** Digest of a file or of bytes by such an algorithm. @throws Failure where nothing that is loaded knows it */
export async function engineDigest(run: Run, content: string | Uint8Array, algorithm: HashName): Promise<Uint8Array> {
  const { module, hashAlgorithm } = run.settings;
  try {
    return await opensslDigest(content, algorithm, module);
  } catch {
    throw new Failure(`EVP_get_digestbyname(${hashAlgorithm}) failed`, 1);
  }
}

export function hashNamed(name: string): HashName | undefined {
  const known = NAMES[name] ?? name;
  return isHashName(known) ? known : undefined;
}

/** The algorithm of -a. @throws Failure */
export function chosenHash({ settings }: Run): HashName {
  const algorithm = hashNamed(settings.hashAlgorithm);
  if (algorithm !== undefined) return algorithm;
  throw new Failure(`EVP_get_digestbyname(${settings.hashAlgorithm}) failed`, 1);
}

/** @throws Failure for what is no regular file, or cannot be read */
export async function fileDigest(run: Run, path: Uint8Array, algorithm: HashName): Promise<ComputedDigest> {
  const stats = run.stat(path);
  if (stats === undefined) throw new Failure(`Failed to stat: ${shown(path)}`);
  if (!stats.isFile()) {
    const type = Number(stats.mode) & constants.S_IFMT;
    throw new Failure(`Unsupported file type (0x${type.toString(16)})`);
  }
  const fd = run.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  if (fd === undefined) throw new Failure(`Failed to open: ${shown(path)}`);
  try {
    return { algorithm, value: await digestOf(run, fd, algorithm) };
  } finally {
    closeSync(fd);
  }
}

async function digestOf(run: Run, fd: number, algorithm: HashName): Promise<Uint8Array> {
  if (isOfEngines(algorithm)) return engineDigest(run, `/proc/${process.pid}/fd/${fd}`, algorithm);
  const hashed = hashedOrRefused(fd, algorithm);
  const digest = hashed.outcome === 'hashed' ? hashed.digests.get(algorithm) : undefined;
  if (digest === undefined) throw new Failure('the file changes while it is read');
  return digest;
}

function hashedOrRefused(fd: number, algorithm: HashName): ReturnType<typeof hashFile> {
  try {
    return hashFile(fd, [algorithm], () => false);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw new Failure('fread() failed');
    throw new Failure('EVP_DigestInit() failed', 1); // OpenSSL knows the name and lacks the algorithm, such as MD4.
  }
}
