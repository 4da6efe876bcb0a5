import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { nodeCrypto } from '@assay/core/node';
import {
  AK_ECC_P256,
  checkAttestationKey,
  checkEndorsementKey,
  encodeAttest,
  encodePublic,
  encodeSignature,
  parseAttest,
  parsePublic,
  parseSignature,
  pcrComposite,
  publicName,
  qualifiedName,
  qualifiedNameOfPrimary,
  TPM_HANDLE,
  verifyQuote,
  type PcrValues,
  type PublicArea,
  type QuoteInput,
} from '@assay/core/tpm';

const { hasher } = nodeCrypto;
const vector = (name: string): Buffer => readFileSync(new URL(`vectors/quote/${name}`, import.meta.url));
const NONCE = fromHex('00112233445566778899aabbccddeeff');
const PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const SELECTION = [
  { bank: 'sha1', pcrs: [10] },
  { bank: 'sha256', pcrs: PCRS },
] as const;

/** The public area of which tpm2-tools kept only the key, rebuilt from the template of tpm2_createak. */
function areaOf(pem: Buffer): PublicArea {
  const attributes = 0x00050072;
  const jwk = createPublicKey(pem).export({ format: 'jwk' });
  const number = (text: string | undefined): Uint8Array => Buffer.from(text ?? '', 'base64url');
  if (jwk.kty === 'EC') return { ...AK_ECC_P256, attributes, x: number(jwk.x), y: number(jwk.y) };
  const { nameAlg, authPolicy, symmetric } = AK_ECC_P256;
  const scheme = { scheme: 'rsassa', hash: 'sha256' } as const;
  return {
    type: 'rsa',
    nameAlg,
    attributes,
    authPolicy,
    symmetric,
    scheme,
    keyBits: 2048,
    exponent: 0,
    modulus: number(jwk.n),
  };
}

describe('quotes of a running kernel with a software TPM', () => {
  for (const [kind, key, name, stem] of [
    ['ECDSA', 'ak.pub', 'ak.name', 'akp'],
    ['RSASSA', 'akr.pem', 'akr.name', 'akr'],
  ] as const) {
    const ak = checkAttestationKey(parsePublic(encodePublic(areaOf(vector(key)))), hasher);
    const message = vector(`${stem}.msg`);
    const signature = vector(`${stem}.sig`);

    test(`${kind}: the name of the key is the one that the TPM gave it`, () => {
      assert.equal(toHex(ak.name), toHex(vector(name)));
    });

    test(`${kind}: the signer is the key under the EK, as predicted from the public areas`, () => {
      const ek = checkEndorsementKey(parsePublic(vector('ek.pub'))).public;
      const parent = qualifiedNameOfPrimary(hasher, 'sha256', TPM_HANDLE.ENDORSEMENT, publicName(hasher, ek));
      const predicted = qualifiedName(hasher, 'sha256', parent, ak.name);
      assert.equal(toHex(parseAttest(message).qualifiedSigner), toHex(predicted));
    });

    test(`${kind}: the bytes are read and written back the same`, () => {
      assert.equal(toHex(encodeAttest(parseAttest(message))), toHex(message));
      assert.equal(toHex(encodeSignature(parseSignature(signature))), toHex(signature));
    });

    test(`${kind}: the digest covers both banks by the hash of the signature`, () => {
      const values = vector(`${stem}.pcrs`);
      const sha256 = new Map(PCRS.map((pcr) => [pcr, values.subarray(20 + 32 * pcr, 52 + 32 * pcr)]));
      const known = new Map([
        ['sha1', new Map([[10, values.subarray(0, 20)]])],
        ['sha256', sha256],
      ] as const);
      const { attested } = parseAttest(message);
      assert.ok(attested.kind === 'quote');
      assert.deepEqual(attested.selection, SELECTION);
      assert.equal(toHex(attested.pcrDigest), toHex(pcrComposite(hasher, 'sha256', SELECTION, known)));
    });

    test(`${kind}: the quote over both banks is accepted where both were asked for, and refused where one was`, () => {
      const values = Uint8Array.from(vector(`${stem}.pcrs`));
      const sha256 = new Map(PCRS.map((pcr) => [pcr, values.subarray(20 + 32 * pcr, 52 + 32 * pcr)]));
      const pcrValues = new Map([
        ['sha1', new Map([[10, values.subarray(0, 20)]])],
        ['sha256', sha256],
      ] as const);
      const input = { ak, message, signature, extraData: NONCE, selection: SELECTION, pcrValues };
      assert.deepEqual(verifyQuote(input, nodeCrypto).pcrValues, pcrValues);
      const refuses = (changes: Partial<QuoteInput>, code: string): void => {
        assert.throws(() => verifyQuote({ ...input, ...changes }, nodeCrypto), { code });
      };
      for (const selection of [[], SELECTION.slice(1), SELECTION.toReversed(), [...SELECTION, ...SELECTION]]) {
        refuses({ selection }, 'QUOTE-SELECTION');
      }
      refuses({ extraData: NONCE.with(0, 1) }, 'QUOTE-NONCE');
      refuses({ message: message.with(message.length - 1, (message.at(-1) ?? 0) ^ 1) }, 'QUOTE-SIGNATURE');
      refuses({ pcrValues: new Map([...pcrValues].slice(1)) }, 'QUOTE-PCR-DIGEST');
      refuses({ pcrValues: new Map<HashName, PcrValues>(pcrValues).set('sha1', sha256) }, 'QUOTE-PCR-DIGEST');
      refuses({ pcrValues: new Map<HashName, PcrValues>(pcrValues).set('sha384', new Map()) }, 'QUOTE-PCR-DIGEST');
    });
  }
});
