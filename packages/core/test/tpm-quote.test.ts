import assert from 'node:assert/strict';
import { constants, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, fromHex, toBase64, utf8 } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  encodeAttest,
  encodeSignature,
  parseSignature,
  pcrComposite,
  verifyQuote,
  type PcrSelection,
  type QuoteInput,
} from '@assay/core/tpm';
import {
  forged,
  honestAttest,
  inputFor,
  QUESTION,
  rsaArea,
  SELECTION,
  signEcc,
  softwareKey,
  VALUES,
} from './tpm-forge.ts';

const key = softwareKey();
const honest = forged(key);

function refuses(code: string, input: QuoteInput): void {
  assert.throws(() => verifyQuote(input, nodeCrypto), { code });
}

/** A quote over this selection with right values, where exactly it was asked for. */
function asked(selection: readonly PcrSelection[], values: ReadonlyMap<number, Uint8Array>): QuoteInput {
  const known = new Map(selection.map(({ bank }) => [bank, values]));
  const pcrDigest = pcrComposite(nodeCrypto.hasher, 'sha256', selection, known);
  return { ...forged(key, { attested: { kind: 'quote', selection, pcrDigest } }), selection, pcrValues: known };
}

test('a quote for this question, by this key, over these PCRs and values is accepted', () => {
  const quote = verifyQuote(honest, nodeCrypto);
  assert.equal(quote.resetCount, 7);
  assert.equal(quote.restartCount, 1);
  assert.equal(quote.clock, 123_456n);
  assert.equal(quote.safe, true);
  assert.equal(quote.firmwareVersion, 0x1234n);
  assert.deepEqual(quote.pcrValues.get('sha256'), VALUES);
  assert.deepEqual(quote.akName, key.ak.name);
});

test('a quote of which the clock is not safe is accepted: that is for continuity to judge', () => {
  assert.equal(verifyQuote(forged(key, { safe: false }), nodeCrypto).safe, false);
});

test('the verified values do not change with the map that was handed in', () => {
  const values = new Map(VALUES);
  const quote = verifyQuote({ ...honest, pcrValues: new Map([['sha256', values]]) }, nodeCrypto);
  values.set(0, new Uint8Array(32));
  assert.deepEqual(quote.pcrValues.get('sha256'), VALUES);
});

describe('refused as no quote of a TPM (QUOTE-MAGIC)', () => {
  test('a magic that differs in one bit', () => refuses('QUOTE-MAGIC', forged(key, { magic: 0x7f544347 })));
  for (const [name, type] of [
    ['Certify', 0x8017],
    ['NV_Certify', 0x8014],
    ['GetTime', 0x8019],
    ['CertifyCreation', 0x801a],
    ['GetSessionAuditDigest', 0x8016],
    ['GetCommandAuditDigest', 0x8015],
  ] as const) {
    test(`what ${name} signs`, () => {
      refuses('QUOTE-MAGIC', forged(key, { type, attested: { kind: 'other', body: new Uint8Array(40) } }));
    });
  }
  test('an NV_Certify of an index whose contents look like a quote', () => {
    const imitation = encodeAttest({ ...honestAttest(), type: 0x8014 });
    refuses('QUOTE-MAGIC', inputFor(key, imitation));
  });
});

describe('refused as no answer to the question (QUOTE-NONCE)', () => {
  for (const [name, extraData] of [
    ['the answer to another question', QUESTION.map((byte) => byte ^ 0xff)],
    ['the question and a zero byte', concat([QUESTION, Uint8Array.of(0)])],
    ['the first half of the question', QUESTION.subarray(0, 16)],
    ['nothing', new Uint8Array(0)],
    ['the question without its first byte', QUESTION.subarray(1)],
    ['the question as base64 text', utf8(toBase64(QUESTION))],
    ['the question as hexadecimal text', utf8(QUESTION.toString('hex'))],
  ] as const) {
    test(`${name} as extraData`, () => refuses('QUOTE-NONCE', forged(key, { extraData })));
  }
  test('a question that is too short to be fresh, even where it is answered', () => {
    const extraData = new Uint8Array(15);
    refuses('QUOTE-NONCE', { ...forged(key, { extraData }), extraData });
  });
});

describe('refused as not signed by the attestation key (QUOTE-SIGNATURE)', () => {
  const order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  const signature = parseSignature(honest.signature);
  assert.ok(signature.scheme === 'ecdsa');

  test('a signature by another key', () => {
    refuses('QUOTE-SIGNATURE', { ...honest, signature: signEcc(softwareKey().privateKey, honest.message) });
  });
  test('a message of which any bit was changed', () => {
    for (const at of [0, 5, 45, 80, 100, honest.message.length - 1]) {
      const message = honest.message.with(at, (honest.message[at] ?? 0) ^ 0x10);
      assert.throws(
        () => verifyQuote({ ...honest, message }, nodeCrypto),
        (error: Error & { code?: string }) =>
          ['QUOTE-SIGNATURE', 'BYTES-LIMIT', 'BYTES-TRUNCATED', 'BYTES-TRAILING', 'TPM-STRUCTURE'].includes(
            error.code ?? '',
          ),
      );
    }
  });
  for (const [name, part] of [
    ['r of zero', { r: new Uint8Array(32) }],
    ['s of zero', { s: new Uint8Array(32) }],
    ['empty r', { r: new Uint8Array(0) }],
    ['r of the order of the group', { r: order }],
    ['s over the order of the group', { s: new Uint8Array(32).fill(0xff) }],
    ['r with a zero before it, in 33 bytes', { r: concat([Uint8Array.of(0), signature.r]) }],
    ['the hash id of SHA-1', { hash: 'sha1' }],
    ['the hash id of SHA-384', { hash: 'sha384' }],
  ] as const) {
    test(name, () => {
      refuses('QUOTE-SIGNATURE', { ...honest, signature: encodeSignature({ ...signature, ...part }) });
    });
  }
  test('ECDSA numbers under the tag of RSASSA', () => {
    const value = concat([signature.r, signature.s]);
    refuses('QUOTE-SIGNATURE', { ...honest, signature: encodeSignature({ scheme: 'rsassa', hash: 'sha256', value }) });
  });
  test('another signer than this key under its known parent', () => {
    const qualifiedSigner = concat([Uint8Array.of(0, 0x0b), new Uint8Array(32).fill(2)]);
    refuses('QUOTE-SIGNATURE', { ...honest, qualifiedSigner });
    assert.ok(verifyQuote({ ...honest, qualifiedSigner: honestAttest().qualifiedSigner }, nodeCrypto));
  });
  test('an RSASSA signature where the key signs by RSAPSS, and the other way round', () => {
    for (const [own, other] of [
      ['rsapss', 'rsassa'],
      ['rsassa', 'rsapss'],
    ] as const) {
      const rsa = softwareKey(rsaArea({ scheme: own, hash: 'sha256' }));
      const signed = (scheme: 'rsapss' | 'rsassa'): Uint8Array => {
        const padding = scheme === 'rsapss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
        const value = sign('sha256', honest.message, { key: rsa.privateKey, padding });
        return encodeSignature({ scheme, hash: 'sha256', value });
      };
      assert.ok(verifyQuote({ ...honest, ak: rsa.ak, signature: signed(own) }, nodeCrypto));
      refuses('QUOTE-SIGNATURE', { ...honest, ak: rsa.ak, signature: signed(other) });
      const relabelled = { ...parseSignature(signed(other)), scheme: own };
      assert.ok(relabelled.scheme === own && 'value' in relabelled);
      refuses('QUOTE-SIGNATURE', { ...honest, ak: rsa.ak, signature: encodeSignature(relabelled) });
    }
  });
  test('n - s in place of s verifies: a signature is no identifier', () => {
    const negated =
      BigInt(`0x${Buffer.from(order).toString('hex')}`) - BigInt(`0x${Buffer.from(signature.s).toString('hex')}`);
    const s = fromHex(negated.toString(16).padStart(64, '0'));
    assert.ok(verifyQuote({ ...honest, signature: encodeSignature({ ...signature, s }) }, nodeCrypto));
  });
});

describe('refused as over other PCRs than asked for (QUOTE-SELECTION)', () => {
  const over = (selection: readonly PcrSelection[]): QuoteInput =>
    forged(key, { attested: { kind: 'quote', selection, pcrDigest: new Uint8Array(32) } });
  for (const [name, selection] of [
    ['fewer PCRs', [{ bank: 'sha256', pcrs: [7, 10] }]],
    ['more PCRs', [{ bank: 'sha256', pcrs: [0, 7, 10, 11] }]],
    ['PCR 16, which the host can reset, in the place of PCR 10', [{ bank: 'sha256', pcrs: [0, 7, 16] }]],
    ['the same PCRs of another bank', [{ bank: 'sha1', pcrs: [0, 7, 10] }]],
    ['an empty list', []],
    ['an empty mask, as for a bank that is not active', [{ bank: 'sha256', pcrs: [] }]],
    ['a second bank besides', [SELECTION[0], { bank: 'sha1', pcrs: [10] }]],
    [
      'the bank split in two',
      [
        { bank: 'sha256', pcrs: [10] },
        { bank: 'sha256', pcrs: [0, 7] },
      ],
    ],
    ['the bank named twice', [SELECTION[0], SELECTION[0]]],
  ] as const) {
    test(name, () => refuses('QUOTE-SELECTION', over(selection)));
  }
  test('an empty list, even where it was asked for', () => refuses('QUOTE-SELECTION', asked([], new Map())));
  test('an empty mask, even where it was asked for', () => {
    refuses('QUOTE-SELECTION', asked([{ bank: 'sha256', pcrs: [] }], new Map()));
  });
  test('one bank twice, even where it was asked for', () => {
    refuses('QUOTE-SELECTION', asked([...SELECTION, ...SELECTION], VALUES));
  });
});

describe('refused as other PCR values than signed (QUOTE-PCR-DIGEST)', () => {
  const without = new Map([...VALUES].filter(([pcr]) => pcr !== 7));
  for (const [name, pcrValues] of [
    ['one value changed', new Map(VALUES).set(10, new Uint8Array(32))],
    ['one value missing', without],
    ['one value more', new Map(VALUES).set(11, new Uint8Array(32))],
    ['one value under another number', new Map(without).set(8, VALUES.get(7) ?? new Uint8Array(0))],
    ['one value of the size of SHA-1', new Map(VALUES).set(10, new Uint8Array(20).fill(11))],
    [
      'two values exchanged',
      new Map(
        [
          [0, 10],
          [7, 7],
          [10, 0],
        ].map(([to, from]) => [to ?? 0, VALUES.get(from ?? 0) ?? new Uint8Array(0)]),
      ),
    ],
    ['no value at all', new Map<number, Uint8Array>()],
  ] as const) {
    test(name, () => refuses('QUOTE-PCR-DIGEST', { ...honest, pcrValues: new Map([['sha256', pcrValues]]) }));
  }
  test("a digest by the bank's hash, where the signature has another", () => {
    const selection = [{ bank: 'sha1', pcrs: [10] }] as const;
    const pcrValues = new Map([[10, new Uint8Array(20).fill(3)]]);
    assert.ok(verifyQuote(asked(selection, pcrValues), nodeCrypto));
    const pcrDigest = nodeCrypto.hasher.digest('sha1', new Uint8Array(20).fill(3));
    const input = forged(key, { attested: { kind: 'quote', selection, pcrDigest } });
    refuses('QUOTE-PCR-DIGEST', { ...input, selection, pcrValues: new Map([['sha1', pcrValues]]) });
  });
});

test('a quote with several faults is refused for the first in the order of the checks', () => {
  const other = { ...honest, extraData: new Uint8Array(32), selection: [], pcrValues: new Map() };
  refuses('QUOTE-NONCE', other);
  refuses('QUOTE-SIGNATURE', { ...other, signature: signEcc(softwareKey().privateKey, honest.message) });
});
