import { randomBytes } from 'node:crypto';
import { equalBytes, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';

/** A new secret of 256 bits, for a bearer token or an identifier that nobody can guess. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a token: the store does not tell how to authenticate. */
export function tokenDigest(token: string): Uint8Array {
  return nodeHasher.digest('sha256', utf8(token));
}

/** Compares in constant time, whatever the lengths. */
export function isToken(token: string, digest: Uint8Array): boolean {
  return equalBytes(tokenDigest(token), digest);
}
