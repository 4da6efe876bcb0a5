import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { nodeCrypto } from '@assay/core/node';
import { checkAttestationKey, parsePublic, verifyQuote } from '@assay/core/tpm';
import { quoteAttacks, quotesToAccept, truncations, type QuoteBundle, type QuoteCase } from '@assay/testkit/forge';

/** What a verifier does with the files of a quote. */
function verify({ akPublic, message, signature, nonce, pcrs }: QuoteBundle): void {
  const pcrValues = new Map<HashName, Map<number, Uint8Array>>();
  for (const { bank, pcr, value } of pcrs) {
    pcrValues.set(bank, (pcrValues.get(bank) ?? new Map<number, Uint8Array>()).set(pcr, value));
  }
  const selection = [...pcrValues].map(([bank, values]) => ({ bank, pcrs: [...values.keys()] }));
  const ak = checkAttestationKey(parsePublic(akPublic), nodeCrypto.hasher);
  verifyQuote({ ak, message, signature, extraData: nonce, selection, pcrValues }, nodeCrypto);
}

function assertAnswer({ answer, bundle }: QuoteCase): void {
  if (answer === 'accept') return verify(bundle);
  assert.throws(
    () => verify(bundle),
    (error: Error & { code?: string }) =>
      answer === 'unreadable' ? error instanceof FormatError : error.code === answer,
  );
}

describe('a quote is accepted', () => {
  for (const one of quotesToAccept()) test(one.name, () => assertAnswer(one));
});

describe('a forged quote is refused', () => {
  for (const one of quoteAttacks()) test(`${one.name}: ${one.answer}`, () => assertAnswer(one));

  test('cut anywhere', () => {
    for (const one of truncations()) assertAnswer(one);
  });
});
