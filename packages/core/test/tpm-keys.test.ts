import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  AK_ECC_P256,
  checkAttestationKey,
  checkEndorsementKey,
  EK_ECC_P256,
  EK_RSA_2048,
  encodePublic,
  OBJECT,
  parsePublic,
  publicName,
  type PublicArea,
} from '@assay/core/tpm';
import { eccKey, rsaKey } from '@assay/testkit/forge';

const { area } = eccKey();
const rsa = rsaKey({ scheme: 'rsassa', hash: 'sha256' }).area;
const { attributes } = AK_ECC_P256;

function checkAk(changed: PublicArea): void {
  checkAttestationKey(parsePublic(encodePublic(changed)), nodeCrypto.hasher);
}

describe('checkAttestationKey', () => {
  test('accepts keys of the template, with or without protection against guessing', () => {
    const ak = checkAttestationKey(parsePublic(encodePublic(area)), nodeCrypto.hasher);
    assert.equal(ak.scheme, 'ecdsa');
    assert.equal(ak.hash, 'sha256');
    assert.deepEqual(ak.name, publicName(nodeCrypto.hasher, ak.public));
    checkAk(rsa);
    checkAk({ ...area, attributes: attributes | OBJECT.NO_DA });
  });

  for (const [name, changed] of [
    ['not restricted', { attributes: attributes & ~OBJECT.RESTRICTED }],
    ['that does not sign', { attributes: attributes & ~OBJECT.SIGN }],
    ['that decrypts too', { attributes: attributes | OBJECT.DECRYPT }],
    ['that may leave its TPM', { attributes: attributes & ~OBJECT.FIXED_TPM }],
    ['that may leave its parent', { attributes: attributes & ~OBJECT.FIXED_PARENT }],
    ['whose secret came from outside', { attributes: attributes & ~OBJECT.SENSITIVE_DATA_ORIGIN }],
    ['that signs certificates', { attributes: attributes | OBJECT.X509_SIGN }],
    ['that may be duplicated', { attributes: attributes | OBJECT.ENCRYPTED_DUPLICATION }],
    ['without a scheme of its own', { scheme: null }],
    ['that signs SHA-1 digests', { scheme: { scheme: 'ecdsa', hash: 'sha1' } }],
    ['whose name is a SHA-1 digest', { nameAlg: 'sha1' }],
    ['with a cipher', { symmetric: { keyBits: 128 } }],
    ['whose point is not on its curve', { y: area.y.with(31, (area.y[31] ?? 0) ^ 1) }],
    ['whose coordinates are over the prime', { x: new Uint8Array(32).fill(0xff) }],
    ['without a point, as a template', { x: new Uint8Array(0), y: new Uint8Array(0) }],
  ] as const) {
    test(`refuses an ECC key ${name}`, () => {
      assert.throws(() => checkAk({ ...area, ...changed }), { code: 'AK-ATTRIBUTES' });
    });
  }

  for (const [name, changed] of [
    ['of 1024 bits', rsaKey({ scheme: 'rsassa', hash: 'sha256' }, { modulusLength: 1024 }).area],
    ['with exponent 3', rsaKey({ scheme: 'rsassa', hash: 'sha256' }, { publicExponent: 3 }).area],
    ['with exponent 1', { ...rsa, exponent: 1 }],
    ['with an even exponent', { ...rsa, exponent: 65538 }],
    ['with an even modulus', { ...rsa, modulus: rsa.modulus.with(255, 0x10) }],
    ['whose modulus is shorter than it says', { ...rsa, modulus: rsa.modulus.subarray(1) }],
    ['whose modulus begins with a zero', { ...rsa, modulus: rsa.modulus.with(0, 0) }],
    ['without a modulus, as a template', { ...rsa, modulus: new Uint8Array(0) }],
  ] as const) {
    test(`refuses an RSA key ${name}`, () => assert.throws(() => checkAk(changed), { code: 'AK-ATTRIBUTES' }));
  }

  test('never gets a key that says nothing of its attributes: PEM and JWK are no public area', () => {
    for (const text of ['-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n', '{"kty":"EC","crv":"P-256"}']) {
      assert.throws(() => parsePublic(utf8(text)), { name: 'FormatError' });
    }
  });
});

describe('checkEndorsementKey', () => {
  const eccEk = { ...EK_ECC_P256, x: area.x, y: area.y };
  const rsaEk = { ...EK_RSA_2048, modulus: rsa.modulus };
  const check = (changed: PublicArea): string => checkEndorsementKey(parsePublic(encodePublic(changed))).template;

  test('accepts keys of templates L-1 and L-2', () => {
    assert.equal(check(rsaEk), 'L-1');
    assert.equal(check(eccEk), 'L-2');
  });

  for (const [name, changed] of [
    ['that may be imported', { attributes: EK_ECC_P256.attributes & ~OBJECT.FIXED_TPM }],
    ['that its owner may use by password', { attributes: EK_ECC_P256.attributes | OBJECT.USER_WITH_AUTH }],
    ['that signs', { attributes: EK_ECC_P256.attributes | OBJECT.SIGN }],
    ['that is not restricted', { attributes: EK_ECC_P256.attributes & ~OBJECT.RESTRICTED }],
    ['with another policy', { authPolicy: new Uint8Array(32) }],
    ['without a policy', { authPolicy: new Uint8Array(0) }],
    ['with another cipher', { symmetric: { keyBits: 256 } }],
    ['without a cipher', { symmetric: null }],
    ['with a signing scheme', { scheme: { scheme: 'ecdsa', hash: 'sha256' } }],
    ['whose name is a SHA-384 digest', { nameAlg: 'sha384' }],
    ['on another curve', { curve: 'p384' }],
    ['whose point is not on its curve', { y: area.y.with(31, (area.y[31] ?? 0) ^ 1) }],
    ['that is the template itself', { x: new Uint8Array(32), y: new Uint8Array(32) }],
  ] as const) {
    test(`refuses an ECC key ${name}`, () => {
      assert.throws(() => check({ ...eccEk, ...changed }), { code: 'EK-UNTRUSTED' });
    });
  }

  for (const [name, changed] of [
    ['with exponent 3', { exponent: 3 }],
    ['with the exponent written out, which makes it another key', { exponent: 65537 }],
    ['of 1024 bits', { keyBits: 1024, modulus: rsa.modulus.subarray(128) }],
    ['with an even modulus', { modulus: rsa.modulus.with(255, 0) }],
    ['that is the template itself', { modulus: new Uint8Array(256) }],
  ] as const) {
    test(`refuses an RSA key ${name}`, () => {
      assert.throws(() => check({ ...rsaEk, ...changed }), { code: 'EK-UNTRUSTED' });
    });
  }

  test('refuses an attestation key', () => assert.throws(() => check(area), { code: 'EK-UNTRUSTED' }));
});
