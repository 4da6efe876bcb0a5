import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex } from '@assay/core/bytes';
import {
  command,
  createPrimary,
  describeResponseCode,
  EK_ECC_P256,
  EMPTY_PASSWORD,
  encodePublic,
  getCapability,
  getRandom,
  knownBanks,
  NO_SENSITIVE,
  pcrExtend,
  pcrRead,
  policyAuthorization,
  quote,
  readPcrValues,
  startup,
  TPM_HANDLE,
} from '@assay/core/tpm';

const random = command(getRandom, { bytesRequested: 4 });
const GOOD = fromHex('800100000010' + '00000000' + '0004aabbccdd');

describe('commands as bytes', () => {
  for (const [name, bytes, hex] of [
    ['TPM2_Startup(CLEAR)', command(startup, { startupType: 0 }).bytes, '80010000000c000001440000'],
    ['TPM2_GetRandom', random.bytes, '80010000000c0000017b0004'],
    [
      'TPM2_PCR_Read',
      command(pcrRead, { selection: [{ bank: 'sha256', pcrs: [0, 10] }] }).bytes,
      '8001000000140000017e00000001000b03010400',
    ],
    [
      'TPM2_PCR_Extend with the empty password',
      command(pcrExtend, { pcr: 10, digests: [{ algorithm: 'sha1', digest: new Uint8Array(20).fill(0xaa) }] }, [
        EMPTY_PASSWORD,
      ]).bytes,
      '80020000003500000182' +
        '0000000a' +
        '00000009' +
        '40000009' +
        '0000' +
        '01' +
        '0000' +
        '00000001' +
        '0004' +
        'aa'.repeat(20),
    ],
    [
      'TPM2_Quote in a policy session',
      command(
        quote,
        {
          signHandle: 0x80000001,
          qualifyingData: fromHex('0102'),
          inScheme: null,
          selection: [{ bank: 'sha256', pcrs: [10] }],
        },
        [policyAuthorization(0x03000000)],
      ).bytes,
      '80020000002b00000158' +
        '80000001' +
        '00000009' +
        '03000000' +
        '0000' +
        '01' +
        '0000' +
        '00020102' +
        '0010' +
        '00000001' +
        '000b' +
        '03000400',
    ],
  ] as const) {
    test(`${name} is as Part 3 lays it out`, () => assert.equal(toHex(bytes), hex));
  }

  test('TPM2_CreatePrimary takes the template as it is', () => {
    const inPublic = encodePublic(EK_ECC_P256);
    const values = { primaryHandle: TPM_HANDLE.ENDORSEMENT, inSensitive: NO_SENSITIVE, inPublic };
    const { bytes } = command(createPrimary, { ...values, outsideInfo: new Uint8Array(0), creationPcr: [] }, [
      EMPTY_PASSWORD,
    ]);
    const tail = '000400000000' + toHex(inPublic) + '0000' + '00000000';
    assert.ok(toHex(bytes).endsWith(tail));
    assert.equal(new DataView(bytes.buffer).getUint32(2), bytes.length);
  });
});

describe('responses', () => {
  test('a good one is decoded', () => assert.equal(toHex(random.decode(GOOD).randomBytes), 'aabbccdd'));

  test('an error is a TPM-RESPONSE with the command and the code in words', () => {
    assert.throws(() => random.decode(fromHex('80010000000a00000921')), {
      code: 'TPM-RESPONSE',
      responseCode: 0x921,
      message: 'TPM2_GetRandom: LOCKOUT: locked against guessing; wait or reset the lockout (0x921)',
    });
  });

  for (const [name, response, code] of [
    ['nothing', new Uint8Array(0), 'BYTES-TRUNCATED'],
    ['half a header', GOOD.subarray(0, 8), 'BYTES-TRUNCATED'],
    ['a size that is too large', GOOD.with(5, 0x11), 'TPM-STRUCTURE'],
    ['a size that is too small', GOOD.with(5, 0x0f), 'TPM-STRUCTURE'],
    ['a size of four gigabytes', concat([fromHex('8001ffffffff'), GOOD.subarray(6)]), 'BYTES-LIMIT'],
    ['a tag with sessions, where none were sent', GOOD.with(1, 0x02), 'TPM-STRUCTURE'],
    ['an inner size that is too large', GOOD.with(11, 5), 'BYTES-TRUNCATED'],
    ['an inner size that is too small', GOOD.with(11, 3), 'BYTES-TRAILING'],
  ] as const) {
    test(`${name} is refused`, () => assert.throws(() => random.decode(response), { code }));
  }

  test('a parameter size that lies is refused', () => {
    const extend = command(pcrExtend, { pcr: 0, digests: [] }, [EMPTY_PASSWORD]);
    const good = fromHex('800200000013' + '00000000' + '00000000' + '0000' + '01' + '0000');
    assert.deepEqual(extend.decode(good), {});
    assert.throws(() => extend.decode(good.with(13, 1)), { name: 'FormatError' });
    assert.throws(() => extend.decode(good.with(10, 0xff)), { code: 'BYTES-LIMIT' });
    assert.throws(() => extend.decode(good.with(15, 2)), { name: 'FormatError' });
  });

  test('a bank of an algorithm that Assay does not know is passed over', () => {
    const list = '00000003' + '0027' + '03ffffff' + '000b' + '03ffffff' + '0004' + '03000000';
    const response = fromHex(
      `8001000000${(10 + 1 + 4 + list.length / 2).toString(16)}` + '00000000' + '00' + '00000005' + list,
    );
    const { capabilityData } = command(getCapability, { capability: 5, property: 0, propertyCount: 1 }).decode(
      response,
    );
    assert.ok(capabilityData.kind === 'pcrs');
    assert.deepEqual(knownBanks(capabilityData.banks, 10), ['sha256']);
  });
});

describe('readPcrValues', () => {
  const answer = (counter: number, selection: string, values: string): Uint8Array => {
    const body = fromHex(counter.toString(16).padStart(8, '0') + selection + values);
    const head = fromHex('8001' + (10 + body.length).toString(16).padStart(8, '0') + '00000000');
    return concat([head, body]);
  };
  const one = '00000001' + '000b' + '03010000';

  test('gives up where PCRs change without end', async () => {
    let counter = 0;
    const digests = '00000001' + '0020' + '00'.repeat(32);
    const reading = readPcrValues(
      async (each) => each.decode(answer(counter++, one, digests)),
      'sha256',
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    await assert.rejects(reading, { code: 'TPM-RESPONSE' });
    assert.equal(counter, 40);
  });

  for (const [name, selection, values] of [
    ['more PCRs than values', '00000001' + '000b' + '03030000', '00000001' + '0020' + '00'.repeat(32)],
    ['values of another size than the bank', one, '00000001' + '0014' + '00'.repeat(20)],
    ['values of another bank', '00000001' + '0004' + '03010000', '00000001' + '0014' + '00'.repeat(20)],
  ] as const) {
    test(`refuses ${name}`, async () => {
      const reading = readPcrValues(async (each) => each.decode(answer(1, selection, values)), 'sha256', [0]);
      await assert.rejects(reading, { code: 'TPM-STRUCTURE' });
    });
  }
});

describe('response codes in words', () => {
  for (const [code, words] of [
    [0x000, /^success/],
    [0x922, /^RETRY: .*\(0x922\)/],
    [0x903, /^SESSION_MEMORY: /],
    [0x18b, /^HANDLE: .*\(0x18b, handle 1\)/],
    [0x1df, /^INTEGRITY: .*\(0x1df, parameter 1\)/],
    [0x99d, /^POLICY_FAIL: .*\(0x99d, session 1\)/],
    [0xa9d, /^POLICY_FAIL: .*\(0xa9d, session 2\)/],
    [0x3c4, /^VALUE: .*\(0x3c4, parameter 3\)/],
    [0x3c3, /^HASH: .*\(0x3c3, parameter 3\)/],
    [0x095, /^SIZE: .*\(0x095\)/],
    [0x910, /^REFERENCE_H0: handle 1/],
    [0x919, /^REFERENCE_S1: session 2/],
    [0x01e, /^BAD_TAG: a TPM 1\.2/],
    [0x100, /^INITIALIZE: /],
    [0x7ff, /^unknown response code \(0x7ff/],
  ] as const) {
    test(`0x${code.toString(16)}`, () => assert.match(describeResponseCode(code), words));
  }
});
