import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex } from '@assay/core/bytes';
import { FormatError, VerificationError, type FormatCode } from '@assay/core/errors';
import { HASH_NAMES, hashAlgorithm, hashNamed, hashOfKernelId } from '@assay/core/hash';
import { keyIdOfCertificate, keyIdOfPublicKey, parseCertificate } from '@assay/core/keys';
import {
  digestLabel,
  encodeEvmLabel,
  encodeImaLabel,
  LABEL_TYPES,
  parseEvmLabel,
  parseImaLabel,
  verifyDigestLabel,
  verifySignatureLabel,
  type ComputedDigest,
  type EvmLabel,
  type ImaLabel,
  type LabelKey,
  type Parsed,
  type SignatureLabel,
} from '@assay/core/label';
import { nodeCrypto } from '@assay/core/node';
import fc from 'fast-check';

const vector = (name: string): Buffer => readFileSync(new URL(`vectors/labels/${name}`, import.meta.url));

const CERTIFICATES = {
  'rsa2048.der': 0x46e12569,
  'p256.der': 0x321800db,
  'p384.der': 0x5b34eee6,
  'rsa-6.1.der': 0x00e4873b,
  'p256-6.1.der': 0xff0a98fd,
} as const;

function keyOf(name: keyof typeof CERTIFICATES): LabelKey {
  const certificate = parseCertificate(vector(name));
  return { keyId: keyIdOfCertificate(nodeCrypto.hasher, certificate), publicKey: certificate.publicKey };
}

function readVector(name: string): { digest: ComputedDigest; value: Uint8Array } {
  const line = vector('labels.txt')
    .toString()
    .split('\n')
    .find((each) => each.startsWith(`${name} `));
  const [, digest = '', value = ''] = (line ?? '').split(' ');
  const [algorithm = '', hex = ''] = digest.split(':');
  return { digest: { algorithm: hashNamed(algorithm).name, value: fromHex(hex) }, value: fromHex(value) };
}

function signatureOf(value: Uint8Array): Parsed<SignatureLabel> {
  const label = parseImaLabel(value);
  assert.equal(label.kind, 'signature');
  return label.kind === 'signature' ? label : assert.fail();
}

const refusal = (code: string) => (error: unknown) =>
  (error instanceof FormatError || error instanceof VerificationError) && error.code === code;

/** A copy with one bit of the byte at `offset` turned. */
function turned(bytes: Uint8Array, offset: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[offset] = (copy[offset] ?? 0) ^ 1;
  return copy;
}

describe('the kernel numbers of hash algorithms', () => {
  test('are those of include/uapi/linux/hash_info.h, without a gap', () => {
    const sizes = [16, 16, 20, 20, 32, 48, 64, 28, 16, 32, 40, 32, 48, 64, 16, 20, 24, 32, 32, 64, 32, 48, 64];
    assert.deepEqual(
      sizes.map((_, id) => hashOfKernelId(id).size),
      sizes,
    );
    assert.deepEqual(
      [7, 17, 18, 20].map((id) => hashOfKernelId(id).name),
      ['sha224', 'sm3', 'streebog256', 'sha3-256'],
    );
    assert.throws(() => hashOfKernelId(23), refusal('HASH-UNKNOWN'));
  });
});

describe('key ids', () => {
  for (const [name, keyId] of Object.entries(CERTIFICATES)) {
    test(`of ${name} are its subject key identifier, which was made from its public key`, () => {
      const certificate = parseCertificate(vector(name));
      assert.equal(keyIdOfCertificate(nodeCrypto.hasher, certificate), keyId);
      assert.equal(keyIdOfPublicKey(nodeCrypto.hasher, certificate.publicKey), keyId);
    });
  }
});

describe('labels of kernel guests', () => {
  for (const [name, key, version, type] of [
    ['sig', 'rsa-6.1.der', 2, LABEL_TYPES.signature],
    ['a_sig', 'rsa-6.1.der', 2, LABEL_TYPES.signature],
    ['b_sigec', 'p256-6.1.der', 2, LABEL_TYPES.signature],
    ['good3', 'rsa2048.der', 3, LABEL_TYPES.signature],
    ['good3e', 'p256.der', 3, LABEL_TYPES.signature],
    ['verity', 'rsa2048.der', 3, LABEL_TYPES.verity],
  ] as const) {
    const { digest, value } = readVector(name);
    test(`${name}: a version ${version} signature of type ${type} verifies with ${key}`, () => {
      const label = signatureOf(value);
      assert.deepEqual([label.version, label.type], [version, type]);
      const verified = verifySignatureLabel(label, digest, keyOf(key), nodeCrypto);
      assert.deepEqual(verified.digest, digest);
      assert.deepEqual(encodeImaLabel(verified.label), value);
    });

    test(`${name}: does not verify for a digest with one other bit`, () => {
      const other = { ...digest, value: turned(digest.value, 31) };
      const check = () => verifySignatureLabel(signatureOf(value), other, keyOf(key), nodeCrypto);
      assert.throws(check, refusal('IMA-SIG-INVALID'));
    });

    test(`${name}: does not verify with one other bit at the end of the signature`, () => {
      const label = signatureOf(turned(value, value.length - 1));
      assert.throws(() => verifySignatureLabel(label, digest, keyOf(key), nodeCrypto), refusal('IMA-SIG-INVALID'));
    });

    test(`${name}: does not verify as the other version`, () => {
      const label = { ...signatureOf(value), version: version === 2 ? 3 : 2 } as const;
      assert.throws(() => verifySignatureLabel(label, digest, keyOf(key), nodeCrypto), refusal('IMA-SIG-INVALID'));
    });

    test(`${name}: names its key, so another one is refused as such`, () => {
      const check = () => verifySignatureLabel(signatureOf(value), digest, keyOf('p384.der'), nodeCrypto);
      assert.throws(check, refusal('IMA-SIG-KEY-UNKNOWN'));
    });
  }

  test('version 3 binds the type: the fs-verity signature is none over a file of that digest', () => {
    const { digest, value } = readVector('verity');
    const label = { ...signatureOf(value), type: LABEL_TYPES.signature };
    const check = () => verifySignatureLabel(label, digest, keyOf('rsa2048.der'), nodeCrypto);
    assert.throws(check, refusal('IMA-SIG-INVALID'));
  });

  for (const name of ['a_legacy', 'a_good']) {
    const { digest, value } = readVector(name);
    test(`${name}: is the digest of the file in the form that digestLabel chooses`, () => {
      const label = parseImaLabel(value);
      assert.ok(label.kind === 'digest');
      assert.deepEqual(verifyDigestLabel(label, digest).digest, digest);
      assert.deepEqual(encodeImaLabel(digestLabel(digest.algorithm, digest.value)), value);
    });

    test(`${name}: another digest and another algorithm are refused`, () => {
      const label = parseImaLabel(value);
      assert.ok(label.kind === 'digest');
      for (const other of [{ ...digest, value: turned(digest.value, 0) }, { ...digest, algorithm: 'sm3' } as const]) {
        assert.throws(() => verifyDigestLabel(label, other), refusal('IMA-HASH-INVALID'));
      }
    });
  }
});

const SHA1 = '6fcf9dfbd479ed82697fee719b9f8c610a11ff2a';
const SHA256 = '73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac';

const MALFORMED_IMA: readonly (readonly [why: string, hex: string, code: FormatCode])[] = [
  ['nothing', '', 'BYTES-TRUNCATED'],
  ['a type alone', '04', 'BYTES-TRUNCATED'],
  ['an HMAC, which belongs to security.evm', `02${SHA1}`, 'LABEL-FORM'],
  ['a portable signature, which belongs to security.evm', '05020446e12569000101', 'LABEL-FORM'],
  ['type 0', `00${SHA1}`, 'LABEL-FORM'],
  ['type 7', `07${SHA1}`, 'LABEL-FORM'],
  ['a digest of an unknown algorithm', `04ff${SHA256}`, 'HASH-UNKNOWN'],
  ['a digest of the first number without algorithm', `0417${SHA256}`, 'HASH-UNKNOWN'],
  ['a digest that ends early', `0404${SHA256.slice(2)}`, 'BYTES-TRUNCATED'],
  ['a digest with bytes behind it', `0404${SHA256}00`, 'BYTES-TRAILING'],
  ['a legacy digest that ends early', `01${SHA1.slice(2)}`, 'BYTES-TRUNCATED'],
  ['a legacy digest with bytes behind it', `01${SHA1}00`, 'BYTES-TRAILING'],
  ['a legacy digest that the kernel takes for MD5', `01${SHA1.slice(0, 32)}00000000`, 'LABEL-FORM'],
  ['a signature that ends in its header', '03020446e125690001', 'BYTES-TRUNCATED'],
  ['a signature that ends early', '03020446e12569000201', 'BYTES-TRUNCATED'],
  ['a signature with bytes behind it', '03020446e1256900010100', 'BYTES-TRAILING'],
  ['an empty signature', '03020446e125690000', 'LABEL-FORM'],
  ['a signature of version 0', '03000446e12569000101', 'LABEL-FORM'],
  ['a signature of version 4', '03040446e12569000101', 'LABEL-FORM'],
  ['a signature by an unknown algorithm', '03021746e12569000101', 'HASH-UNKNOWN'],
  ['an fs-verity signature of version 2', '06020446e12569000101', 'LABEL-FORM'],
  ['an fs-verity signature of version 1', '06010446e12569000101', 'LABEL-FORM'],
  ['version 1 by another key than RSA', '0301397a026b01002beeeb1ed9092a0101000801', 'LABEL-FORM'],
  ['version 1 over another hash', '0301397a026b00022beeeb1ed9092a0101000801', 'LABEL-FORM'],
  ['version 1 with two integers', '0301397a026b00002beeeb1ed9092a0102000801', 'LABEL-FORM'],
  ['version 1 that is empty', '0301397a026b00002beeeb1ed9092a01010000', 'LABEL-FORM'],
  ['version 1 that ends early', '0301397a026b00002beeeb1ed9092a0101000901', 'BYTES-TRUNCATED'],
  ['version 1 with bytes behind it', '0301397a026b00002beeeb1ed9092a010100080101', 'BYTES-TRAILING'],
  ['more than an attribute can hold', '04'.repeat(65537), 'BYTES-LIMIT'],
];

const MALFORMED_EVM: readonly (readonly [why: string, hex: string, code: FormatCode])[] = [
  ['nothing', '', 'BYTES-TRUNCATED'],
  ['a digest, which belongs to security.ima', `0404${SHA256}`, 'LABEL-FORM'],
  ['an fs-verity signature, which belongs to security.ima', '06030446e12569000101', 'LABEL-FORM'],
  ['an HMAC that ends early', `02${SHA1.slice(2)}`, 'BYTES-TRUNCATED'],
  ['an HMAC with bytes behind it', `02${SHA1}00`, 'BYTES-TRAILING'],
  ['a signature of version 1', '0301397a026b00002beeeb1ed9092a0101000801', 'LABEL-FORM'],
  ['a portable signature of version 1', '05010446e12569000101', 'LABEL-FORM'],
  ['a portable signature with bytes behind it', '05020446e1256900010100', 'BYTES-TRAILING'],
];

describe('the reader of security.ima refuses', () => {
  for (const [why, hex, code] of MALFORMED_IMA) {
    test(`${why} (${code})`, () => assert.throws(() => parseImaLabel(fromHex(hex)), refusal(code)));
  }
});

describe('the reader of security.evm refuses', () => {
  for (const [why, hex, code] of MALFORMED_EVM) {
    test(`${why} (${code})`, () => assert.throws(() => parseEvmLabel(fromHex(hex)), refusal(code)));
  }
});

describe('the writer refuses what its reader would', () => {
  const signature = { kind: 'signature', algorithm: 'sha256', keyId: 1, signature: Uint8Array.of(1) } as const;
  test('an fs-verity signature of version 2', () => {
    const label = { ...signature, type: LABEL_TYPES.verity, version: 2 } as const;
    assert.throws(() => encodeImaLabel(label), refusal('LABEL-FORM'));
  });
  test('a portable signature in security.ima, and an fs-verity one in security.evm', () => {
    const label = { ...signature, type: LABEL_TYPES.portable, version: 3 } as const;
    assert.throws(() => encodeImaLabel(label), refusal('LABEL-FORM'));
    const verity = { ...signature, type: LABEL_TYPES.verity, version: 3 } as const;
    assert.throws(() => encodeEvmLabel(verity), refusal('LABEL-FORM'));
  });
  test('a signature whose length its field cannot say', () => {
    const label = { ...signature, type: LABEL_TYPES.signature, version: 2, signature: new Uint8Array(65536) } as const;
    assert.throws(() => encodeImaLabel(label), FormatError);
  });
  test('a digest of another size, and MD4, which the kernel reads as MD5', () => {
    assert.throws(() => digestLabel('sha256', fromHex(SHA1)), refusal('LABEL-FORM'));
    assert.throws(() => digestLabel('md4', fromHex(SHA1.slice(0, 32))), refusal('HASH-UNKNOWN'));
  });
  test('but a SHA-1 that the kernel would take for MD5 in type 1 gets type 4', () => {
    const digest = fromHex(`${SHA1.slice(0, 32)}00000000`);
    assert.equal(toHex(encodeImaLabel(digestLabel('sha1', digest))), `0402${toHex(digest)}`);
  });
});

const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const algorithm = fc.constantFrom(...HASH_NAMES);
const signatureLabel = (
  ...types: readonly (readonly [SignatureLabel['type'], 2 | 3])[]
): fc.Arbitrary<SignatureLabel> =>
  fc
    .tuple(fc.constantFrom(...types), algorithm, fc.nat(0xffffffff), bytes(1, 300))
    .map(([[type, version], name, keyId, signature]): SignatureLabel => {
      return { kind: 'signature', type, version, algorithm: name, keyId, signature };
    });

const imaLabel: fc.Arbitrary<ImaLabel> = fc.oneof(
  algorithm
    .filter((name) => name !== 'md4')
    .chain((name) => bytes(hashAlgorithm(name).size).map((digest) => digestLabel(name, digest))),
  signatureLabel([3, 2], [3, 3], [6, 3]),
  fc
    .tuple(fc.nat(0xffffffff), fc.constantFrom('sha1', 'sha256'), bytes(8), bytes(1, 300), fc.nat(7))
    .map(([time, name, keyId, signature, spare]): ImaLabel => {
      return { kind: 'signature-v1', time, algorithm: name, keyId, bits: signature.length * 8 - spare, signature };
    }),
);
const evmLabel: fc.Arbitrary<EvmLabel> = fc.oneof(
  bytes(20).map((hmac): EvmLabel => ({ kind: 'hmac', hmac })),
  signatureLabel([3, 2], [3, 3], [5, 2], [5, 3]),
);

describe('every label', () => {
  test('of security.ima is read as it was written', () => {
    fc.assert(
      fc.property(imaLabel, (label) => {
        const raw = encodeImaLabel(label);
        assert.deepEqual(parseImaLabel(raw), { ...label, raw });
      }),
    );
  });

  test('of security.evm is read as it was written', () => {
    fc.assert(
      fc.property(evmLabel, (label) => {
        const raw = encodeEvmLabel(label);
        assert.deepEqual(parseEvmLabel(raw), { ...label, raw });
      }),
    );
  });

  test('that can be read is written as it was, and nothing else than FormatError comes of the rest', () => {
    const start = fc.constantFrom('01', '04', '0404', '030204', '030304', '060304', '0301').map(fromHex);
    fc.assert(
      fc.property(start, bytes(0, 60), (head, tail) => {
        const raw = concat([head, tail]);
        try {
          assert.deepEqual(encodeImaLabel(parseImaLabel(raw)), raw);
        } catch (error) {
          assert.ok(error instanceof FormatError);
        }
      }),
    );
  });
});
