import type { Curve } from '../keys/index.ts';

/** OpenSSL's names, which differ from the ones of JWK. */
export const OPENSSL_CURVES: Readonly<Record<Curve, string>> = {
  p256: 'prime256v1',
  p384: 'secp384r1',
  p521: 'secp521r1',
};
