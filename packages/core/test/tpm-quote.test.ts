import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  encodeAttest,
  encodePublic,
  parsePublic,
  verifyQuote,
  type PcrSelection,
  type QuoteInput,
} from '@assay/core/tpm';
import { eccKey, honestAttest, NONCE, SELECTION, signBy, VALUES, valuesOf } from '@assay/testkit/forge';

// What bundles of files cannot say: adversary.test.ts runs the forge kit.

const key = eccKey();
const ak = checkAttestationKey(parsePublic(encodePublic(key.area)), nodeCrypto.hasher);
const honest = asked(SELECTION);

/** A quote over this selection with right values, where exactly it was asked for. */
function asked(selection: readonly PcrSelection[]): QuoteInput {
  const message = encodeAttest(honestAttest(selection));
  const signature = signBy(key, message);
  return { ak, message, signature, extraData: NONCE, selection, pcrValues: valuesOf(selection) };
}

function refuses(code: string, input: QuoteInput): void {
  assert.throws(() => verifyQuote(input, nodeCrypto), { code });
}

test('a verified quote has what the TPM said of its boot, its clock and its PCRs', () => {
  const quote = verifyQuote(honest, nodeCrypto);
  assert.equal(quote.resetCount, 7);
  assert.equal(quote.restartCount, 1);
  assert.equal(quote.clock, 123_456n);
  assert.equal(quote.safe, true);
  assert.equal(quote.firmwareVersion, 0x1234n);
  assert.deepEqual(quote.pcrValues.get('sha256'), VALUES);
  assert.deepEqual(quote.akName, ak.name);
});

test('the verified values do not change with the map or the bytes that were handed in', () => {
  const values = new Map(Array.from(VALUES, ([pcr, value]) => [pcr, value.slice()]));
  const quote = verifyQuote({ ...honest, pcrValues: new Map([['sha256', values]]) }, nodeCrypto);
  values.get(7)?.fill(0);
  values.set(0, new Uint8Array(32));
  assert.deepEqual(quote.pcrValues.get('sha256'), VALUES);
});

describe('what should not have been asked for is refused even where it was (QUOTE-SELECTION)', () => {
  for (const [name, selection] of [
    ['an empty list', []],
    ['an empty mask', [{ bank: 'sha256', pcrs: [] }]],
    ['one bank twice', [...SELECTION, ...SELECTION]],
  ] as const) {
    test(name, () => refuses('QUOTE-SELECTION', asked(selection)));
  }
});

describe('other PCR values than were signed are refused (QUOTE-PCR-DIGEST)', () => {
  const without = new Map([...VALUES].filter(([pcr]) => pcr !== 7));
  for (const [name, pcrValues] of [
    ['one value missing', without],
    ['one value more', new Map(VALUES).set(11, new Uint8Array(32))],
    ['one value under another number', new Map(without).set(8, VALUES.get(7) ?? new Uint8Array(0))],
    ['one value of the size of SHA-1', new Map(VALUES).set(10, new Uint8Array(20).fill(11))],
    ['no value at all', new Map<number, Uint8Array>()],
  ] as const) {
    test(name, () => refuses('QUOTE-PCR-DIGEST', { ...honest, pcrValues: new Map([['sha256', pcrValues]]) }));
  }
});

test('another signer than this key under its known parent is refused (QUOTE-SIGNATURE)', () => {
  const { qualifiedSigner } = honestAttest();
  refuses('QUOTE-SIGNATURE', { ...honest, qualifiedSigner: qualifiedSigner.with(5, 2) });
  assert.ok(verifyQuote({ ...honest, qualifiedSigner }, nodeCrypto));
});

test('a quote with several faults is refused for the first in the order of the checks', () => {
  const other = { ...honest, extraData: new Uint8Array(32), selection: [], pcrValues: new Map() };
  refuses('QUOTE-NONCE', other);
  refuses('QUOTE-SIGNATURE', { ...other, signature: signBy(eccKey(), honest.message) });
});
