import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { concat, fromHex, leftPadded, toHex } from '@assay/core/bytes';
import { hashOfTpmId } from '@assay/core/hash';
import { CURVE_SIZES } from '@assay/core/keys';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  checkEndorsementKey,
  encode,
  encodeToolsPcrs,
  kdfA,
  kdfE,
  parseAttest,
  parsePublic,
  publicKeyOf,
  publicName,
  sized,
  verifyQuote,
  type BankValues,
} from '@assay/core/tpm';

/** Vectors of other projects (google/go-tpm, keylime/keylime; Apache-2.0), which are not part of this one. */
const BESIDE = fileURLToPath(new URL('../../../../shared/vectors', import.meta.url));
const OTHERS = join(process.env['ASSAY_VECTORS'] ?? BESIDE, 'tpm');
const skip = existsSync(join(OTHERS, 'kdf/kdfa.json'))
  ? false
  : `no TPM vectors of other projects in ${OTHERS}: set ASSAY_VECTORS to the directory that has tpm/`;

const { hasher } = nodeCrypto;
const bytes32 = new Uint8Array(32).fill(1);
const CURVES = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' } as const;

type Vector = Readonly<Record<string, string>> & { readonly HashAlg: number; readonly Bits: number };

function vectors(name: string): readonly Vector[] {
  return skip === false ? (JSON.parse(readFileSync(join(OTHERS, 'kdf', name), 'utf8')) as Vector[]) : [];
}

function field(vector: Vector, name: string): Uint8Array {
  return fromHex(vector[name] ?? '');
}

describe('vectors of go-tpm', { skip }, () => {
  test('KDFa', () => {
    const all = vectors('kdfa.json');
    assert.ok(all.length >= 100);
    for (const vector of all) {
      const { name } = hashOfTpmId(vector.HashAlg);
      const [u, v] = [field(vector, 'ContextU'), field(vector, 'ContextV')];
      const made = kdfA(hasher, name, field(vector, 'Key'), String(vector['Label']), u, v, vector.Bits);
      assert.equal(toHex(made), vector['Result'], vector['Name']);
    }
  });

  test('KDFe', () => {
    const all = vectors('kdfe.json');
    assert.ok(all.length >= 100);
    for (const vector of all) {
      const { name } = hashOfTpmId(vector.HashAlg);
      const [u, v] = [field(vector, 'ContextU'), field(vector, 'ContextV')];
      const made = kdfE(hasher, name, field(vector, 'Z'), String(vector['Label']), u, v, vector.Bits);
      assert.equal(toHex(made), vector['Result'], vector['Name']);
    }
  });

  test('seeds that an ECC key shares with an ephemeral one, on every curve and by every hash', () => {
    const all = vectors('ecc_labeled_encaps.json');
    assert.ok(all.length >= 100);
    for (const vector of all) {
      const area = parsePublic(encode(sized(1024), field(vector, 'PublicKey')));
      const key = publicKeyOf(area);
      assert.ok(key.kind === 'ecc');
      const size = CURVE_SIZES[key.curve];
      const ecdh = createECDH(CURVES[key.curve]);
      ecdh.setPrivateKey(leftPadded(field(vector, 'EphemeralPrivate'), size));
      const shared = leftPadded(ecdh.computeSecret(concat([Uint8Array.of(4), key.x, key.y])), size);
      const x = ecdh.getPublicKey().subarray(1, 1 + size);
      const bits = hasher.digest(area.nameAlg).length * 8;
      const seed = kdfE(hasher, area.nameAlg, shared, String(vector['Label']), x, key.x, bits);
      assert.equal(toHex(seed), vector['Secret'], vector['Name']);
    }
  });

  test('public areas of RSA keys', () => {
    const all = vectors('rsa_labeled_encaps.json');
    assert.ok(all.length >= 100);
    for (const vector of all) {
      const key = publicKeyOf(parsePublic(encode(sized(1024), field(vector, 'PublicKey'))));
      assert.equal(key.kind, 'rsa', vector['Name']);
    }
  });
});

describe('a quote that keylime keeps for its tests', { skip }, () => {
  const file = (name: string): Buffer => readFileSync(join(OTHERS, 'keylime-quote', name));

  test('is verified with the values beside it, and not with others', () => {
    const ak = checkAttestationKey(parsePublic(file('ak.pub')), hasher);
    assert.equal(toHex(ak.name), file('ak.name').toString('hex'));
    const message = file('quote.out');
    const { attested, extraData } = parseAttest(message, 'quote');
    assert.ok(attested.kind === 'quote');
    const { selection } = attested;
    const kept = file('quotepcr.out');
    const pcrs = selection.flatMap(({ pcrs: ofBank }) => ofBank);
    const size = 32;
    const values: BankValues = new Map([
      ['sha256', new Map(pcrs.map((pcr, i) => [pcr, kept.subarray(142 + i * 66, 142 + i * 66 + size)]))],
    ]);
    assert.equal(toHex(encodeToolsPcrs(selection, values)), kept.toString('hex'));
    const input = { ak, message, signature: file('quotesig.out'), extraData, selection, pcrValues: values };
    assert.ok(verifyQuote(input, nodeCrypto));
    const other = { ...input, extraData: extraData.with(0, (extraData[0] ?? 0) ^ 1) };
    assert.throws(() => verifyQuote(other, nodeCrypto), { code: 'QUOTE-NONCE' });
    const changed = new Map([['sha256', new Map(values.get('sha256')).set(pcrs[0] ?? 0, bytes32)]] as const);
    assert.throws(() => verifyQuote({ ...input, pcrValues: changed }, nodeCrypto), { code: 'QUOTE-PCR-DIGEST' });
  });

  test('is of an EK of a template, by its public area', () => {
    const ek = parsePublic(file('ek.pub'));
    assert.equal(checkEndorsementKey(ek).template, 'L-1');
    assert.equal(publicName(hasher, ek).length, 34);
  });
});
