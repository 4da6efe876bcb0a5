import assert from 'node:assert/strict';
import { constants, createHash, generateKeyPairSync, privateEncrypt, sign, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  addPoints,
  CURVE_SIZES,
  curveOrder,
  encodeEcdsaSignature,
  fromInteger,
  inverse,
  parseCertificate,
  parseEcdsaSignature,
  parsePublicKey,
  pkcs1Encoding,
  reduced,
  toInteger,
  type Curve,
  type EcdsaSignature,
  type PublicKey,
} from '@assay/core/keys';
import { nodeDigestSignatures } from '@assay/core/node';
import fc from 'fast-check';

const OPENSSL = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' } as const;
const MESSAGE = new TextEncoder().encode('what is signed\n');
const { verifyDigest } = nodeDigestSignatures;

function digestOf(hash: string): Uint8Array {
  return createHash(hash).update(MESSAGE).digest();
}

function publicKeyOf(key: KeyObject): PublicKey {
  return parsePublicKey(key.export({ type: 'spki', format: 'der' }));
}

/** A signature over `digest` by ECDSA as it is written (SEC 1, section 4.1.3), with the private key `d` and `k` = 1. */
function handmade(curve: Curve, d: bigint, base: Uint8Array, digest: Uint8Array): EcdsaSignature {
  const order = curveOrder(curve);
  const size = CURVE_SIZES[curve];
  const r = reduced(toInteger(base), order);
  const s = reduced(toInteger(digest.subarray(0, size)) + r * d, order);
  return { scheme: 'ecdsa', hash: 'sha256', r: fromInteger(r, size), s: fromInteger(s, size) };
}

for (const curve of ['p256', 'p384', 'p521'] as const) {
  describe(`ECDSA on ${curve} over a given digest`, () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: OPENSSL[curve] });
    const key = publicKeyOf(publicKey);
    for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
      test(`takes what OpenSSL signed over the message with ${hash}, and refuses each part when it is changed`, () => {
        const signature = parseEcdsaSignature(sign(hash, MESSAGE, privateKey), curve, hash);
        const digest = digestOf(hash);
        assert.equal(verifyDigest(key, signature, digest), true);
        assert.equal(verifyDigest(key, signature, concat([digest.subarray(1), Uint8Array.of(0)])), false);
        assert.equal(verifyDigest(key, { ...signature, r: signature.s }, digest), false);
        assert.equal(verifyDigest(key, { ...signature, s: signature.r }, digest), false);
        const other = publicKeyOf(generateKeyPairSync('ec', { namedCurve: OPENSSL[curve] }).publicKey);
        assert.equal(verifyDigest(other, signature, digest), false);
      });
    }

    test('takes the digest of the empty message, by which the key is not moved', () => {
      const empty = createHash('sha256').digest();
      const signature = parseEcdsaSignature(sign('sha256', new Uint8Array(0), privateKey), curve, 'sha256');
      assert.equal(verifyDigest(key, signature, empty), true);
      assert.equal(verifyDigest(key, signature, digestOf('sha256')), false);
    });

    test('refuses r and s of zero and of the order, and a point that is not on the curve', () => {
      const digest = digestOf('sha256');
      const good = parseEcdsaSignature(sign('sha256', MESSAGE, privateKey), curve, 'sha256');
      const size = CURVE_SIZES[curve];
      for (const bad of [new Uint8Array(size), fromInteger(curveOrder(curve), size)]) {
        assert.equal(verifyDigest(key, { ...good, r: bad }, digest), false);
        assert.equal(verifyDigest(key, { ...good, s: bad }, digest), false);
      }
      assert.ok(key.kind === 'ecc');
      assert.equal(verifyDigest({ ...key, y: key.x }, good, digest), false);
    });

    test('decides rightly where the moved key is the double of the key, or none at all', () => {
      // The base point: k = 1, d = 1; (z - h) / r is 1, then -1, for a digest that is chosen so.
      const generator = generatorOf(curve);
      const order = curveOrder(curve);
      const empty = toInteger(createHash('sha256').digest());
      const r = reduced(toInteger(generator.x), order);
      const size = CURVE_SIZES[curve];
      for (const [factor, expected] of [
        [1n, true],
        [-1n, false],
      ] as const) {
        const digest = fromInteger(reduced(empty + factor * r, order), size);
        const signature = handmade(curve, 1n, generator.x, digest);
        assert.equal(verifyDigest(generator, signature, digest), expected);
      }
    });
  });
}

/** d = 1: its public key is the base point. */
function generatorOf(curve: Curve): Extract<PublicKey, { kind: 'ecc' }> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: OPENSSL[curve] });
  const some = publicKeyOf(publicKey);
  assert.ok(some.kind === 'ecc');
  return { ...some, ...BASE_POINTS[curve] };
}

/** FIPS 186-4, appendix D.1.2. */
const BASE_POINTS: Readonly<Record<Curve, { x: Uint8Array; y: Uint8Array }>> = {
  p256: {
    x: fromHex('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
    y: fromHex('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
  },
  p384: {
    x: fromHex('aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7'),
    y: fromHex('3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f'),
  },
  p521: {
    x: fromHex(
      '00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66',
    ),
    y: fromHex(
      '011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650',
    ),
  },
};

describe('RSA PKCS#1 v1.5 over a given digest', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = publicKeyOf(publicKey);
  const raw = (block: Uint8Array): Uint8Array =>
    privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);

  for (const hash of [
    'md5',
    'sha1',
    'sha224',
    'sha256',
    'sha384',
    'sha512',
    'sha3-256',
    'sha3-384',
    'sha3-512',
  ] as const) {
    test(`takes what OpenSSL signed over the message with ${hash}, and no other digest`, () => {
      const signature = { scheme: 'rsassa', hash, value: sign(hash, MESSAGE, privateKey) } as const;
      const digest = digestOf(hash);
      assert.equal(verifyDigest(key, signature, digest), true);
      assert.equal(verifyDigest(key, signature, concat([digest.subarray(1), Uint8Array.of(0)])), false);
      assert.equal(verifyDigest(key, signature, digest.subarray(1)), false);
    });
  }

  test('refuses blocks that a lenient reader would take', () => {
    const digest = digestOf('sha256');
    const good = pkcs1Encoding('sha256', digest, 256) ?? assert.fail();
    const info = good.subarray(good.lastIndexOf(0xff) + 2);
    const shortPadding = concat([Uint8Array.of(0, 1), new Uint8Array(8).fill(0xff), Uint8Array.of(0), info]);
    const bad = {
      'bytes behind a short padding': concat([shortPadding, new Uint8Array(256 - shortPadding.length)]),
      'the digest alone, without DigestInfo': concat([
        good.subarray(0, 2),
        new Uint8Array(256 - 3 - 32).fill(0xff),
        Uint8Array.of(0),
        digest,
      ]),
      'block type 2': concat([Uint8Array.of(0, 2), good.subarray(2)]),
    };
    assert.equal(verifyDigest(key, { scheme: 'rsassa', hash: 'sha256', value: raw(good) }, digest), true);
    for (const [why, block] of Object.entries(bad)) {
      assert.equal(verifyDigest(key, { scheme: 'rsassa', hash: 'sha256', value: raw(block) }, digest), false, why);
    }
  });

  test('refuses values of another length, over the modulus, of PSS, of an ECDSA key and of a hash without DigestInfo', () => {
    const digest = digestOf('sha256');
    const value = sign('sha256', MESSAGE, privateKey);
    assert.ok(key.kind === 'rsa');
    const signature = { scheme: 'rsassa', hash: 'sha256', value } as const;
    assert.equal(verifyDigest(key, { ...signature, value: value.subarray(1) }, digest), false);
    assert.equal(verifyDigest(key, { ...signature, value: new Uint8Array(256).fill(0xff) }, digest), false);
    assert.equal(verifyDigest(key, { ...signature, scheme: 'rsapss' }, digest), false);
    assert.equal(verifyDigest(key, { ...signature, hash: 'sm3' }, digest), false);
    const ecc = publicKeyOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey);
    assert.equal(verifyDigest(ecc, signature, digest), false);
  });
});

const refused = (parse: () => unknown, code: string): void => {
  assert.throws(parse, (error: unknown) => error instanceof FormatError && error.code === code);
};

describe('DER', () => {
  for (const [why, hex] of [
    ['nothing', ''],
    ['a tag alone', '30'],
    ['bytes behind the sequence', '300602010102010100'],
    ['a third integer', '3009020101020101020101'],
    ['a negative r', '3006020180020101'],
    ['zeros before r', '300702020001020101'],
    ['an empty r', '30050200020101'],
    ['a length that is not the shortest', '30810602010102010100'.slice(0, 18)],
    ['an indefinite length', '30800201010201010000'],
    ['a length over what is left', '3007020101020101'],
    ['another tag', '3106020101020101'],
    ['r longer than the curve', `302602210100${'00'.repeat(31)}020101`],
  ] as const) {
    test(`of an ECDSA signature is refused: ${why}`, () => {
      refused(() => parseEcdsaSignature(fromHex(hex), 'p256', 'sha256'), 'DER-FORM');
    });
  }

  test('of an ECDSA signature is read as it was written', () => {
    const number = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(number, number, (r, s) => {
        const signature = { scheme: 'ecdsa', hash: 'sha256', r, s } as const;
        assert.deepEqual(parseEcdsaSignature(encodeEcdsaSignature(signature), 'p256', 'sha256'), signature);
      }),
    );
  });

  test('of a public key is refused when cut anywhere, and nothing else than FormatError comes of changed bytes', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const der = publicKey.export({ type: 'spki', format: 'der' });
    for (let end = 0; end < der.length; end++) refused(() => parsePublicKey(der.subarray(0, end)), 'DER-FORM');
    refused(() => parsePublicKey(concat([der, Uint8Array.of(0)])), 'DER-FORM');
    const last = Uint8Array.from(der);
    last[der.length - 1] = (last[der.length - 1] ?? 0) ^ 1;
    refused(() => parsePublicKey(last), 'KEY-UNKNOWN');
    const ed = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
    refused(() => parsePublicKey(ed), 'KEY-UNKNOWN');
    refused(() => parseCertificate(der), 'DER-FORM');
  });
});

test('points are added as on the curve: P + P and P + -P', () => {
  for (const curve of ['p256', 'p384', 'p521'] as const) {
    const g = generatorOf(curve);
    const double = addPoints(g, g) ?? assert.fail();
    const triple = addPoints(double, g) ?? assert.fail();
    assert.deepEqual(addPoints(g, double), triple);
    assert.notEqual(toHex(triple.x), toHex(g.x));
    assert.equal(inverse(2n, curveOrder(curve)) * 2n, curveOrder(curve) + 1n);
  }
});
