import { toHex } from '@assay/core/bytes';
import { encodePublicKey } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { encodePublic, parsePublic, publicKeyOf, type ParsedPublic } from '@assay/core/tpm';

/** Size field of a TPM2B. */
const SIZE_FIELD = 2;

/**
 * SHA-256 over the TPMT_PUBLIC of an endorsement key, its coordinates padded: TPMs differ in whether they write leading
 * zeros, and one key must not be two hosts. Hexadecimal.
 */
export function ekDigest(area: ParsedPublic): string {
  const key = publicKeyOf(area);
  const padded = area.type === 'ecc' && key.kind === 'ecc' ? { ...area, x: key.x, y: key.y } : area;
  return toHex(nodeHasher.digest('sha256', encodePublic(padded).subarray(SIZE_FIELD)));
}

/** Under which a key may be registered: that of its public area, as it is or padded, and of its SubjectPublicKeyInfo. */
export function registeredDigests(ekPublic: Uint8Array): string[] {
  const area = parsePublic(ekPublic);
  const raw = toHex(nodeHasher.digest('sha256', area.raw));
  const info = toHex(nodeHasher.digest('sha256', encodePublicKey(publicKeyOf(area))));
  return [...new Set([raw, ekDigest(area), info])].map((digest) => `sha256:${digest}`);
}
