import { FormatError } from '@assay/core/errors';
import {
  calculateJwkThumbprint,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importPKCS8,
  type JWK,
  type JSONWebKeySet,
} from 'jose';

/** ECDSA on P-256 with SHA-256: what every reader of attestation results knows. */
export const TOKEN_ALGORITHM = 'ES256';

/** The key that signs results, with what readers need to know of it. */
export interface TokenKey {
  readonly privateKey: Awaited<ReturnType<typeof importPKCS8>>;
  /** Public part, named by its thumbprint (RFC 7638). */
  readonly jwk: JWK & { readonly kid: string };
}

/** A new key as PKCS#8 in PEM. */
export async function newTokenKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(TOKEN_ALGORITHM, { extractable: true });
  return exportPKCS8(privateKey);
}

/**
 * @param pem PKCS#8 of a P-256 key
 * @throws FormatError KEY-PRIVATE
 */
export async function readTokenKey(pem: string): Promise<TokenKey> {
  try {
    const privateKey = await importPKCS8(pem, TOKEN_ALGORITHM, { extractable: true });
    const { kty, crv, x, y } = await exportJWK(privateKey);
    if (kty !== 'EC' || crv === undefined || x === undefined || y === undefined) throw new Error('no elliptic curve');
    const publicPart = { kty, crv, x, y };
    const kid = await calculateJwkThumbprint(publicPart);
    return { privateKey, jwk: { ...publicPart, kid, use: 'sig', alg: TOKEN_ALGORITHM } };
  } catch {
    throw new FormatError('KEY-PRIVATE', 'the key of tokens is no P-256 key in PEM (PKCS#8)');
  }
}

/** What `/.well-known/jwks.json` answers (RFC 7517): the key in use first, then those whose tokens may still be about. */
export function keySetOf(keys: readonly TokenKey[]): JSONWebKeySet {
  return { keys: keys.map(({ jwk }) => jwk) };
}
