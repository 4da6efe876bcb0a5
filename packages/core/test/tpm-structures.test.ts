import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromHex, toHex } from '@assay/core/bytes';
import {
  AK_ECC_P256,
  EK_RSA_2048,
  encodeAttest,
  encodePcrSelections,
  encodePublic,
  encodeSignature,
  parseAttest,
  parsePublic,
  parseSignature,
  type EccPublicArea,
  type ParsedAttest,
  type ParsedSignature,
  type PcrSelection,
  type RsaPublicArea,
} from '@assay/core/tpm';
import { eccKey, forged, honestAttest, rsaKey } from '@assay/testkit/forge';

/** fast-check makes records without a prototype; a clone has one, as what the parsers make. */
const plain = structuredClone;

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const hash = fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512', 'sm3' as const);
const u32 = fc.nat(0xffffffff);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const cipher = fc.constantFrom(null, { keyBits: 128 as const }, { keyBits: 192 as const }, { keyBits: 256 as const });
const knownAttributes = 0x000f0cf6;
const common = {
  nameAlg: hash,
  attributes: u32.map((bits) => (bits & knownAttributes) >>> 0),
  authPolicy: bytes(64),
  symmetric: cipher,
};

const eccAreas: fc.Arbitrary<EccPublicArea> = fc.record({
  type: fc.constant('ecc'),
  ...common,
  scheme: fc.option(fc.record({ scheme: fc.constant('ecdsa'), hash })),
  curve: fc.constantFrom('p256', 'p384', 'p521'),
  x: bytes(32),
  y: bytes(32),
});
const rsaAreas: fc.Arbitrary<RsaPublicArea> = fc.record({
  type: fc.constant('rsa'),
  ...common,
  scheme: fc.option(fc.record({ scheme: fc.constantFrom('rsassa', 'rsapss'), hash })),
  keyBits: fc.nat(0xffff),
  exponent: u32,
  modulus: bytes(512),
});
const selections: fc.Arbitrary<readonly PcrSelection[]> = fc.array(
  fc.record({ bank: hash, pcrs: fc.uniqueArray(fc.nat(23)).map((pcrs) => pcrs.toSorted((a, b) => a - b)) }),
  { maxLength: 16 },
);
const attests: fc.Arbitrary<Omit<ParsedAttest, 'raw'>> = fc.record({
  magic: u32,
  type: fc.constant(0x8018),
  qualifiedSigner: bytes(66),
  extraData: bytes(66),
  clock: u64,
  resetCount: u32,
  restartCount: u32,
  safe: fc.boolean(),
  firmwareVersion: u64,
  attested: fc.record({ kind: fc.constant('quote'), selection: selections, pcrDigest: bytes(64) }),
});
const signatures: fc.Arbitrary<ParsedSignature> = fc.oneof(
  fc.record({ scheme: fc.constant('ecdsa' as const), hash, r: bytes(66), s: bytes(66) }),
  fc.record({ scheme: fc.constantFrom('rsassa' as const, 'rsapss' as const), hash, value: bytes(512) }),
);

describe('what is encoded is read back as it was', () => {
  test('public areas', () => {
    fc.assert(
      fc.property(fc.oneof(eccAreas, rsaAreas), (area) => {
        const encoded = encodePublic(area);
        const { raw, ...parsed } = parsePublic(encoded);
        assert.deepEqual(parsed, plain(area));
        assert.deepEqual(raw, encoded.subarray(2));
      }),
    );
  });
  test('attestations', () => {
    fc.assert(
      fc.property(attests, (attest) => {
        const encoded = encodeAttest(attest);
        const { raw, ...parsed } = parseAttest(encoded);
        assert.deepEqual(parsed, plain(attest));
        assert.deepEqual(raw, encoded);
      }),
    );
  });
  test('signatures', () => {
    fc.assert(
      fc.property(signatures, (signature) =>
        assert.deepEqual(parseSignature(encodeSignature(signature)), plain(signature)),
      ),
    );
  });
});

describe('what is accepted has one encoding only', () => {
  const good = [encodePublic(eccKey().area), encodeAttest(honestAttest()), forged(eccKey()).signature];
  const again: ((input: Uint8Array) => Uint8Array)[] = [
    (input) => encodePublic(parsePublic(input)),
    (input) => encodeAttest(parseAttest(input)),
    (input) => encodeSignature(parseSignature(input)),
  ];
  test('whatever bytes of a good one are changed', () => {
    const change = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.nat(2), change, (which, changes) => {
        const input = (good[which] ?? new Uint8Array(0)).slice();
        for (const [at, value] of changes) if (at < input.length) input[at] = value;
        let output: Uint8Array;
        try {
          output = again[which]?.(input) ?? new Uint8Array(0);
        } catch (error) {
          assert.ok(error instanceof Error && error.name === 'FormatError', String(error));
          return;
        }
        assert.equal(toHex(output), toHex(input));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('bytes that end early or go on', () => {
  for (const [name, whole, parse] of [
    ['an ECC public area', encodePublic(eccKey().area), parsePublic],
    ['an RSA public area', encodePublic(rsaKey({ scheme: 'rsapss', hash: 'sha256' }).area), parsePublic],
    ['a quote', encodeAttest(honestAttest()), parseAttest],
    [
      'an ECDSA signature',
      encodeSignature({ scheme: 'ecdsa', hash: 'sha256', r: new Uint8Array(32), s: new Uint8Array(32) }),
      parseSignature,
    ],
    [
      'an RSA signature',
      encodeSignature({ scheme: 'rsassa', hash: 'sha256', value: new Uint8Array(256) }),
      parseSignature,
    ],
  ] as const) {
    test(`${name} is refused when cut at any place`, () => {
      for (let length = 0; length < whole.length; length++) {
        assert.throws(() => parse(whole.subarray(0, length)), { code: 'BYTES-TRUNCATED' }, `cut at ${length}`);
      }
    });
    test(`${name} is refused with bytes after it`, () => {
      assert.throws(() => parse(concat([whole, Uint8Array.of(0)])), { code: 'BYTES-TRAILING' });
      assert.throws(() => parse(concat([whole, new Uint8Array(16)])), { code: 'BYTES-TRAILING' });
    });
  }

  test('an empty file is told from one of another size, in words', () => {
    const refused = (bytes: Uint8Array, message: string): void =>
      assert.throws(() => parsePublic(bytes), { name: 'FormatError', message });
    refused(new Uint8Array(0), 'TPM2B_PUBLIC: it needs 2 bytes at offset 0, 0 are left');
    refused(Uint8Array.of(0xff, 0xff), 'TPM2B_PUBLIC: its size is 65535, over its limit of 1024');
  });
  test('a public area is refused when it is cut and its size is made to fit', () => {
    const whole = encodePublic(eccKey().area);
    for (let length = 2; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      new DataView(cut.buffer).setUint16(0, length - 2);
      assert.throws(() => parsePublic(cut), { code: 'BYTES-TRUNCATED' }, `cut at ${length}`);
    }
  });
});

describe('sizes and counts that lie', () => {
  const quote = encodeAttest(honestAttest());
  /** Offsets of the four TPM2B sizes: signer, extraData, and of the digest. */
  for (const [field, at] of [
    ['qualifiedSigner', 6],
    ['extraData', 42],
    ['pcrDigest', quote.length - 34],
  ] as const) {
    for (const size of [0, 1, 31, 33, 35, 0xffff]) {
      test(`a size of ${size} for ${field} is refused`, () => {
        const lying = quote.slice();
        const view = new DataView(lying.buffer);
        if (view.getUint16(at) === size) return;
        view.setUint16(at, size);
        assert.throws(() => parseAttest(lying), { name: 'FormatError' });
      });
    }
  }
  for (const size of [0, 31, 33, 0xffff]) {
    test(`a size of ${size} for r of an ECDSA signature is refused`, () => {
      const lying = encodeSignature({
        scheme: 'ecdsa',
        hash: 'sha256',
        r: new Uint8Array(32).fill(1),
        s: new Uint8Array(32).fill(1),
      });
      new DataView(lying.buffer).setUint16(4, size);
      assert.throws(() => parseSignature(lying), { name: 'FormatError' });
    });
  }
  for (const count of [17, 0x00ffffff, 0xffffffff]) {
    test(`a list of ${count} banks is refused before anything is made for it`, () => {
      const lying = quote.slice();
      new DataView(lying.buffer).setUint32(quote.length - 34 - 6 - 4, count);
      assert.throws(() => parseAttest(lying), { code: 'BYTES-LIMIT' });
    });
  }
  for (const size of [0, 1, 2, 4, 255]) {
    test(`a mask of ${size} bytes is refused`, () => {
      const lying = quote.with(quote.length - 34 - 4, size);
      assert.throws(() => parseAttest(lying), { code: 'TPM-STRUCTURE' });
    });
  }
  test('an attestation over the limit is refused', () => {
    assert.throws(() => parseAttest(new Uint8Array(2049)), { code: 'BYTES-LIMIT' });
  });
});

describe('values that the structures do not have', () => {
  const area = encodePublic(AK_ECC_P256);
  test('reserved attribute bits are refused, one by one', () => {
    for (let bit = 0; bit < 32; bit++) {
      if ((knownAttributes & (1 << bit)) !== 0) continue;
      const changed = area.slice();
      const view = new DataView(changed.buffer);
      view.setUint32(6, (view.getUint32(6) | (1 << bit)) >>> 0);
      assert.throws(() => parsePublic(changed), { code: 'TPM-STRUCTURE' }, `bit ${bit}`);
    }
  });
  for (const [name, at, value, code] of [
    ['an object type of SYMCIPHER', 2, 0x0025, 'TPM-STRUCTURE'],
    ['an unknown name algorithm', 4, 0x0099, 'HASH-UNKNOWN'],
    ['a name algorithm of NULL', 4, 0x0010, 'HASH-UNKNOWN'],
    ['an unknown cipher', 12, 0x0026, 'TPM-STRUCTURE'],
    ['a scheme of ECDAA', 14, 0x001a, 'TPM-STRUCTURE'],
    ['a scheme of RSASSA for an ECC key', 14, 0x0014, 'TPM-STRUCTURE'],
    ['curve P-192', 18, 0x0001, 'TPM-STRUCTURE'],
    ['curve P-224', 18, 0x0002, 'TPM-STRUCTURE'],
    ['a key derivation scheme', 20, 0x0020, 'TPM-STRUCTURE'],
  ] as const) {
    test(`${name} is refused`, () => {
      const changed = area.slice();
      new DataView(changed.buffer).setUint16(at, value);
      assert.throws(() => parsePublic(changed), { code });
    });
  }
  test('an AES mode other than CFB is refused', () => {
    const ek = encodePublic(EK_RSA_2048);
    const mode = toHex(ek).indexOf('000600800043') / 2 + 4;
    assert.throws(() => parsePublic(ek.with(mode + 1, 0x44)), { code: 'TPM-STRUCTURE' });
  });
  for (const [name, hex] of [
    ['an HMAC', '0005000b' + '00'.repeat(32)],
    ['no signature (NULL)', '0010'],
    ['an ECSchnorr signature', '001c000b0001010001' + '01'],
  ] as const) {
    test(`${name} is no signature`, () => {
      assert.throws(() => parseSignature(fromHex(hex)), { code: 'TPM-STRUCTURE' });
    });
  }
  test('a DER signature is no TPMT_SIGNATURE', () => {
    assert.throws(() => parseSignature(fromHex('3006020101020101')), { name: 'FormatError' });
  });
  test('a truth value of 2 is refused', () => {
    const quote = encodeAttest(honestAttest());
    const safe = 6 + 2 + 34 + 2 + 32 + 8 + 4 + 4;
    assert.equal(quote[safe], 1);
    assert.throws(() => parseAttest(quote.with(safe, 2)), { code: 'TPM-STRUCTURE' });
  });
  test('a PCR over 23 cannot be selected', () => {
    assert.throws(() => encodePcrSelections([{ bank: 'sha256', pcrs: [24] }]), { code: 'TPM-STRUCTURE' });
  });
});
