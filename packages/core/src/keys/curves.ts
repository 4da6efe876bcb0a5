import { toHex } from '../bytes/index.ts';
import type { Curve, EccPublicKey } from './types.ts';

/** Prime and coefficient b of y² = x³ - 3x + b (FIPS 186-4, appendix D.1.2). */
const CURVES: Readonly<Record<Curve, { readonly p: bigint; readonly b: bigint }>> = {
  p256: {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  p384: {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  p521: {
    p: 2n ** 521n - 1n,
    b: BigInt(
      '0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00',
    ),
  },
};

/** A key whose point is not on its curve leaks the secrets of whoever computes with it (SP 800-56A, 5.6.2.3.3). */
export function isOnCurve(key: EccPublicKey): boolean {
  const { p, b } = CURVES[key.curve];
  const x = BigInt(`0x${toHex(key.x)}`);
  const y = BigInt(`0x${toHex(key.y)}`);
  return x < p && y < p && (y * y - (x * x * x - 3n * x + b)) % p === 0n;
}
