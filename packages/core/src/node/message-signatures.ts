import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { MessageSignatures } from '../reference/index.ts';

const MIN_MODULUS_BITS = 2048;
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } as const;
/** cosign takes SHA-256 for every curve, other tools the hash of the curve's size. */
const CURVE_HASHES: ReadonlyMap<string | undefined, readonly string[]> = new Map([
  ['prime256v1', ['sha256']],
  ['secp384r1', ['sha256', 'sha384']],
  ['secp521r1', ['sha256', 'sha512']],
]);

/** Signatures by Ed25519, ECDSA on P-256, P-384 and P-521, and RSA from 2048 bits on with PKCS#1 v1.5 or PSS. */
export const nodeMessageSignatures: MessageSignatures = {
  verify(spki, message, signature) {
    try {
      return isGood(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), message, signature);
    } catch {
      return false; // OpenSSL throws for what is no key.
    }
  },
};

function isGood(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return verify(null, message, key, signature);
  if (type === 'ec') {
    return (CURVE_HASHES.get(details?.namedCurve) ?? []).some((hash) => verify(hash, message, key, signature));
  }
  if (type !== 'rsa' || (details?.modulusLength ?? 0) < MIN_MODULUS_BITS) return false;
  return verify('sha256', message, key, signature) || verify('sha256', message, { key, ...PSS }, signature);
}
