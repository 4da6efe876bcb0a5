import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromHex, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import {
  AK_TEMPLATES,
  certify,
  command,
  create,
  EMPTY_PASSWORD,
  encode,
  encodeAttest,
  encodePublic,
  encodeSealedFile,
  encodeSignature,
  EK_TEMPLATES,
  getCapability,
  message,
  NO_SENSITIVE,
  NV,
  nvName,
  nvReadPublic,
  parseAttest,
  parseNvPublic,
  parsePublic,
  parseSealedFile,
  parseSignature,
  pcrRead,
  sealedTemplate,
  sized,
  TPM_GENERATED,
  TPM_ST,
  type AttestedInfo,
  type ParsedAttest,
  type SealedFile,
  type TpmCommand,
} from '@assay/core/tpm';
import { assertHostileInput } from './mutations.ts';

const NONE = new Uint8Array(0);

const bytes = (size: number, fill = 7): Uint8Array => new Uint8Array(size).fill(fill);
const clock = { clock: 5n, resetCount: 1, restartCount: 2, safe: true };
const selection = [
  { bank: 'sha1', pcrs: [10] },
  { bank: 'sha256', pcrs: [0, 7, 10, 23] },
] as const;

const BODIES: Readonly<Record<string, readonly [type: number, attested: AttestedInfo]>> = {
  quote: [TPM_ST.ATTEST_QUOTE, { kind: 'quote', selection, pcrDigest: bytes(32) }],
  certify: [TPM_ST.ATTEST_CERTIFY, { kind: 'certify', name: bytes(34), qualifiedName: bytes(50) }],
  creation: [TPM_ST.ATTEST_CREATION, { kind: 'creation', objectName: bytes(34), creationHash: bytes(32) }],
  nv: [TPM_ST.ATTEST_NV, { kind: 'nv', indexName: bytes(34), offset: 4, contents: bytes(100) }],
  time: [TPM_ST.ATTEST_TIME, { kind: 'time', time: 9n, clockInfo: clock, firmwareVersion: 3n }],
  'session-audit': [TPM_ST.ATTEST_SESSION_AUDIT, { kind: 'session-audit', exclusive: false, sessionDigest: bytes(32) }],
  other: [0x8015, { kind: 'other', body: bytes(50) }],
};

function attestOf(type: number, attested: AttestedInfo): Omit<ParsedAttest, 'raw'> {
  const head = { magic: TPM_GENERATED, type, qualifiedSigner: bytes(34), extraData: bytes(32) };
  return { ...head, ...clock, firmwareVersion: 0x0102030405060708n, attested };
}

const NV_PUBLIC = {
  index: 0x01c00002,
  nameAlg: 'sha256',
  attributes: NV.OWNER_READ | NV.NO_DA | NV.WRITTEN,
  authPolicy: bytes(32),
  dataSize: 1024,
} as const;
/** As TPM2_NV_ReadPublic of swtpm gives the index of an EK certificate. */
const NV_ANSWER = '002e' + '01c00002' + '000b' + '22020000' + '0020' + '07'.repeat(32) + '0400';

const SEALED: SealedFile = {
  pcrs: { selection, pcrDigest: bytes(32) },
  password: true,
  public: encodePublic({ ...sealedTemplate('sha256', bytes(32), true), unique: bytes(32) }),
  private: encode(sized(200), bytes(139)),
};

interface Parser {
  readonly name: string;
  readonly good: Uint8Array;
  /** What is accepted, encoded again; undefined where no encoder is public. */
  again(input: Uint8Array): Uint8Array | undefined;
}

function answer<T>(each: TpmCommand<T>, body: string, sessions = 0): Parser {
  const tag = sessions > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS;
  const parameters = fromHex(body);
  const auth = fromHex('00' + '00' + '01' + '0000');
  const size = encode(sized(0xffff), parameters).subarray(0, 2);
  const inside =
    sessions > 0
      ? concat([Uint8Array.of(0, 0), size, parameters, ...Array.from({ length: sessions }, () => auth)])
      : parameters;
  return {
    name: `answer to ${each.name}`,
    good: message(tag, 0, inside),
    again(input) {
      each.decode(input);
      return undefined;
    },
  };
}

const TICKET = '8021' + '4000000b' + '0020' + '05'.repeat(32);
const CREATION = { inSensitive: NO_SENSITIVE, inPublic: encodePublic(AK_TEMPLATES['ecdsa-p256']), outsideInfo: NONE };
const PUBLIC_AREAS = {
  ...Object.fromEntries(Object.entries(EK_TEMPLATES).map(([name, { area }]) => [`EK ${name}`, area])),
  ...Object.fromEntries(Object.entries(AK_TEMPLATES).map(([name, area]) => [`AK ${name}`, area])),
  'sealed data': sealedTemplate('sha384', bytes(48), false),
  'key for OAEP': { ...AK_TEMPLATES['rsassa-2048'], scheme: null, decryption: { scheme: 'oaep', hash: 'sha256' } },
  'key for RSAES': { ...AK_TEMPLATES['rsassa-2048'], scheme: null, decryption: { scheme: 'rsaes' } },
  'key for ECDH': { ...AK_TEMPLATES['ecdsa-p256'], scheme: null, decryption: { scheme: 'ecdh', hash: 'sha256' } },
  'HMAC key': { ...sealedTemplate('sha256', NONE, true), hmac: 'sha256', unique: bytes(32) },
} as const;

const PARSERS: readonly Parser[] = [
  ...Object.entries(PUBLIC_AREAS).map(([name, area]) => ({
    name: `public area of ${name}`,
    good: encodePublic(area),
    again: (input: Uint8Array) => encodePublic(parsePublic(input)),
  })),
  ...Object.entries(BODIES).map(([name, [type, attested]]) => ({
    name: `attestation of kind ${name}`,
    good: encodeAttest(attestOf(type, attested)),
    again: (input: Uint8Array) => encodeAttest(parseAttest(input)),
  })),
  {
    name: 'signature by ECDSA',
    good: encodeSignature({ scheme: 'ecdsa', hash: 'sha256', r: bytes(32), s: bytes(31) }),
    again: (input) => encodeSignature(parseSignature(input)),
  },
  {
    name: 'signature by RSAPSS',
    good: encodeSignature({ scheme: 'rsapss', hash: 'sha384', value: bytes(256) }),
    again: (input) => encodeSignature(parseSignature(input)),
  },
  {
    name: 'NV public area',
    good: fromHex(NV_ANSWER),
    again(input) {
      parseNvPublic(input);
      return undefined;
    },
  },
  {
    name: 'sealed file',
    good: Buffer.from(encodeSealedFile(SEALED)),
    again(input) {
      const read = parseSealedFile(Buffer.from(input).toString('latin1'));
      assert.deepEqual(parseSealedFile(encodeSealedFile(read)), read);
      return undefined;
    },
  },
  answer(
    command(getCapability, { capability: 6, property: 0, propertyCount: 9 }),
    '01' + '00000006' + '00000001' + '0000010000322e30',
  ),
  answer(
    command(getCapability, { capability: 5, property: 0, propertyCount: 9 }),
    '00' + '00000005' + '00000001' + '000b03ffffff',
  ),
  answer(
    command(pcrRead, { selection }),
    '00000001' + '00000001' + '000b03010000' + '00000001' + '0020' + '00'.repeat(32),
  ),
  answer(command(nvReadPublic, { nvIndex: 0x01c00002 }), NV_ANSWER + '0022' + '000b' + '09'.repeat(32)),
  answer(
    command(create, { parentHandle: 0x80000000, ...CREATION, creationPcr: [] }, [EMPTY_PASSWORD]),
    '00020102' + toHex(CREATION.inPublic) + '0004aabbccdd' + '0020' + '03'.repeat(32) + TICKET,
    1,
  ),
  answer(
    command(certify, { objectHandle: 0x80000000, signHandle: 0x80000001, qualifyingData: NONE, inScheme: null }, [
      EMPTY_PASSWORD,
      EMPTY_PASSWORD,
    ]),
    '0003aabbcc' + '0018000b' + '000101' + '000102',
    2,
  ),
];

/** A TPM's answer may also be one of its refusals. */
const isTyped = (error: unknown): boolean =>
  error instanceof FormatError || (error instanceof Error && 'responseCode' in error);

for (const { name, good, again } of PARSERS) {
  describe(name, () => {
    test('is read, and its encoding is the same', () => {
      const output = again(good);
      if (output !== undefined) assert.equal(toHex(output), toHex(good));
    });

    test('is refused when cut at any place', () => {
      const least = name === 'sealed file' ? good.length - 1 : good.length; // The last newline of PEM is not needed.
      if (name.endsWith('other')) return; // Its body is all that is left.
      for (let length = 0; length < least; length++) {
        assert.throws(() => again(good.subarray(0, length)), FormatError, `cut at ${length}`);
      }
    });

    test('is refused with a typed error, or read in one way only, however it is changed', (t) => {
      t.diagnostic(`${assertHostileInput(good, again, isTyped)} mutations`);
    });
  });
}

describe('errors name the path of the field and the offset', () => {
  for (const [what, parse, field, offset] of [
    [
      'a bank of a selection',
      () => parseAttest(changed(BODIES['quote'], -34 - 6, 0x99)),
      'attested.selection[1].bank',
      undefined,
    ],
    [
      'a mask of a selection',
      () => parseAttest(changed(BODIES['quote'], -34 - 4, 2)),
      'attested.selection[1].pcrs',
      undefined,
    ],
    ['a truth value', () => parseAttest(changed(BODIES['session-audit'], -35, 9)), 'attested.exclusive', undefined],
    [
      'the clock inside a time',
      () => parseAttest(changed(BODIES['time'], -9, 7)),
      'attested.clockInfo.safe',
      undefined,
    ],
    [
      'the hash of a scheme',
      () => parsePublic(encodePublic(AK_TEMPLATES['ecdsa-p256']).with(17, 0x99)),
      'scheme.hashAlg',
      16,
    ],
    [
      'a reserved attribute',
      () => parsePublic(encodePublic(AK_TEMPLATES['ecdsa-p256']).with(6, 0x80)),
      'attributes',
      6,
    ],
    ['a reserved NV attribute', () => parseNvPublic(fromHex(NV_ANSWER).with(9, 0x10)), 'attributes', 8],
  ] as const) {
    test(what, () => {
      assert.throws(parse, (error: unknown) => {
        assert.ok(error instanceof FormatError);
        assert.equal(error.place.field, field);
        assert.ok(error.place.offset !== undefined);
        if (offset !== undefined) assert.equal(error.place.offset, offset);
        return true;
      });
    });
  }

  function changed(body: (typeof BODIES)[string] | undefined, at: number, value: number): Uint8Array {
    assert.ok(body !== undefined);
    const whole = encodeAttest(attestOf(...body));
    return whole.with(whole.length + at, value);
  }
});

describe('what is encoded is read back as it was', () => {
  const plain = structuredClone;
  const some = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
  const u32 = fc.nat(0xffffffff);
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const clocks = fc.record({ clock: u64, resetCount: u32, restartCount: u32, safe: fc.boolean() });

  test('attestations of every kind', () => {
    const bodies = fc.oneof(
      fc.record({ kind: fc.constant('certify' as const), name: some(66), qualifiedName: some(66) }),
      fc.record({ kind: fc.constant('creation' as const), objectName: some(66), creationHash: some(64) }),
      fc.record({ kind: fc.constant('nv' as const), indexName: some(66), offset: fc.nat(0xffff), contents: some(500) }),
      fc.record({ kind: fc.constant('time' as const), time: u64, clockInfo: clocks, firmwareVersion: u64 }),
      fc.record({ kind: fc.constant('session-audit' as const), exclusive: fc.boolean(), sessionDigest: some(64) }),
    );
    fc.assert(
      fc.property(bodies, (attested) => {
        const [type] = BODIES[attested.kind] ?? [0];
        const encoded = encodeAttest(attestOf(type, attested));
        assert.deepEqual(parseAttest(encoded).attested, plain(attested));
      }),
    );
  });

  test('keyed hashes', () => {
    const areas = fc.record({
      type: fc.constant('keyedhash' as const),
      nameAlg: fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512'),
      attributes: u32.map((bits) => (bits & 0x000f0cf6) >>> 0),
      authPolicy: some(64),
      hmac: fc.option(fc.constantFrom('sha256', 'sha512')),
      unique: some(64),
    });
    fc.assert(
      fc.property(areas, (area) => {
        const { raw, ...parsed } = parsePublic(encodePublic(area));
        assert.deepEqual(parsed, plain(area));
        assert.ok(raw.length > 0);
      }),
    );
  });

  test('NV public areas, and the name that a TPM gives one', () => {
    assert.deepEqual(plain(parseNvPublic(fromHex(NV_ANSWER))), { ...NV_PUBLIC, authPolicy: bytes(32) });
    const name = concat([Uint8Array.of(0, 0x0b), nodeHasher.digest('sha256', fromHex(NV_ANSWER).subarray(2))]);
    assert.equal(toHex(nvName(nodeHasher, NV_PUBLIC)), toHex(name));
  });
});
