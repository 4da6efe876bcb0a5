import { fromHex, toHex } from '../bytes/index.ts';
import { CURVE_SIZES, type Curve, type EccPublicKey } from './types.ts';

interface CurveParameters {
  /** Prime of the field. */
  readonly p: bigint;
  /** Coefficient of y² = x³ - 3x + b. */
  readonly b: bigint;
  /** Order of the base point. */
  readonly n: bigint;
}

/** FIPS 186-4, appendix D.1.2. */
const CURVES: Readonly<Record<Curve, CurveParameters>> = {
  p256: {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  p384: {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  p521: {
    p: 2n ** 521n - 1n,
    b: BigInt(
      '0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00',
    ),
    n: 2n ** 521n - 0x5ae79787c40d069948033feb708f65a2fc44a36477663b851449048e16ec79bf7n,
  },
};

/** A key whose point is not on its curve leaks the secrets of whoever computes with it (SP 800-56A, 5.6.2.3.3). */
export function isOnCurve(key: EccPublicKey): boolean {
  const { p, b } = CURVES[key.curve];
  const x = toInteger(key.x);
  const y = toInteger(key.y);
  return x < p && y < p && (y * y - (x * x * x - 3n * x + b)) % p === 0n;
}

export function curveOrder(curve: Curve): bigint {
  return CURVES[curve].n;
}

/** Big-endian; not for secrets, as all arithmetic here takes a time that depends on the values. */
export function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes)}`);
}

/** Big-endian in exactly `size` bytes; the value must fit. */
export function fromInteger(value: bigint, size: number): Uint8Array<ArrayBuffer> {
  return fromHex(value.toString(16).padStart(2 * size, '0'));
}

/** Inverse of a value that is no multiple of the prime, by Euclid's algorithm. */
export function inverse(value: bigint, prime: bigint): bigint {
  let [a, b] = [reduced(value, prime), prime];
  let [x, y] = [1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return reduced(x, prime);
}

export function reduced(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus;
}

/** Sum of two points of one curve (SEC 1, section 2.2.1); undefined where it is the point at infinity. */
export function addPoints(a: EccPublicKey, b: EccPublicKey): EccPublicKey | undefined {
  const { p } = CURVES[a.curve];
  const [x1, y1, x2, y2] = [toInteger(a.x), toInteger(a.y), toInteger(b.x), toInteger(b.y)];
  if (x1 === x2 && y1 !== y2) return undefined;
  const slope = x1 === x2 ? (3n * x1 * x1 - 3n) * inverse(2n * y1, p) : (y2 - y1) * inverse(x2 - x1, p);
  const x = reduced(slope * slope - x1 - x2, p);
  const y = reduced(slope * (x1 - x) - y1, p);
  const size = CURVE_SIZES[a.curve];
  return { kind: 'ecc', curve: a.curve, x: fromInteger(x, size), y: fromInteger(y, size) };
}
