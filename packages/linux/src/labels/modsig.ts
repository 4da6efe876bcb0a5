import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parseSignedData, type ParsedSignedData, type SignerCertificate } from '@assay/core/cms';
import type { HashName } from '@assay/core/hash';
import {
  findModsig,
  MODSIG_TRAILER_SIZE,
  verifyModsig,
  type ComputedDigest,
  type ModsigPlace,
} from '@assay/core/label';
import { nodeCrypto } from '@assay/core/node';

export interface AppendedSignature extends ModsigPlace {
  readonly signed: ParsedSignedData;
}

/**
 * The signature that was appended to a file; undefined where there is none.
 * @param size of the file in bytes
 * @throws FormatError MODSIG-FORM, CMS-FORM, DER-FORM, BYTES-LIMIT
 */
export function readModsig(fd: number, size: number): AppendedSignature | undefined {
  const length = Math.min(size, MODSIG_TRAILER_SIZE);
  const place = findModsig(part(fd, size - length, length), size);
  if (place === undefined) return undefined;
  return { ...place, signed: parseSignedData(part(fd, place.contentSize, place.signatureSize)) };
}

/**
 * As `readModsig`, of a file by its path; undefined for what is not a regular file.
 * @throws Error of open(2) or read(2)
 */
export function modsigOfFile(path: Buffer): AppendedSignature | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(fd);
    return stats.isFile() ? readModsig(fd, stats.size) : undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * Checks it over the content before it.
 * @returns digest of that content
 * @throws VerificationError IMA-SIG-KEY-UNKNOWN, IMA-SIG-INVALID, MODSIG-ATTRIBUTES
 */
export function checkModsig(
  fd: number,
  { signed, contentSize }: AppendedSignature,
  certificates: readonly SignerCertificate[],
): ComputedDigest {
  const digest = signedContentDigest(fd, { signed, contentSize });
  verifyModsig(signed, digest, certificates, nodeCrypto);
  return digest;
}

/** Digest of the content before the signature, by its algorithm. */
export function signedContentDigest(
  fd: number,
  { signed, contentSize }: Pick<AppendedSignature, 'signed' | 'contentSize'>,
): ComputedDigest {
  return digestOfStart(fd, contentSize, signed.hash);
}

const PART = 1024 * 1024;

/** Digest of the first `size` bytes. */
function digestOfStart(fd: number, size: number, algorithm: HashName): ComputedDigest {
  const hash = createHash(algorithm);
  for (let position = 0; position < size; ) {
    const bytes = part(fd, position, Math.min(PART, size - position));
    if (bytes.length === 0) break; // It was cut short meanwhile: the digest of less is another one.
    hash.update(bytes);
    position += bytes.length;
  }
  return { algorithm, value: hash.digest() };
}

function part(fd: number, position: number, length: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, position));
}
