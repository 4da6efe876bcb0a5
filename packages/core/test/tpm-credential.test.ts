import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, generateKeyPairSync, privateDecrypt, constants } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, toHex, utf8 } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  checkEndorsementKey,
  credentialKeys,
  EK_ECC_P256,
  EK_RSA_2048,
  encodePublic,
  kdfA,
  kdfE,
  makeCredential,
  parsePublic,
} from '@assay/core/tpm';

const { hasher } = nodeCrypto;
const NONE = new Uint8Array(0);
const AK_NAME = concat([Uint8Array.of(0, 0x0b), new Uint8Array(32).fill(9)]);
const SECRET = new Uint8Array(32).fill(0x5e);

describe('key derivation', () => {
  test('KDFa is HMAC over counter, label with its NUL, contexts and bits', () => {
    const expected = hasher.hmac(
      'sha256',
      SECRET,
      Uint8Array.of(0, 0, 0, 1),
      utf8('STORAGE\0'),
      AK_NAME,
      Uint8Array.of(0, 0, 1, 0),
    );
    assert.equal(toHex(kdfA(hasher, 'sha256', SECRET, 'STORAGE', AK_NAME, NONE, 256)), toHex(expected));
  });
  test('KDFe is the digest over counter, secret, label with its NUL and both parties', () => {
    const expected = hasher.digest('sha1', Uint8Array.of(0, 0, 0, 1), SECRET, utf8('IDENTITY\0'), AK_NAME, SECRET);
    assert.equal(toHex(kdfE(hasher, 'sha1', SECRET, 'IDENTITY', AK_NAME, SECRET, 160)), toHex(expected));
  });
  test('longer output takes further blocks, and bits over the asked ones are cleared', () => {
    const long = kdfE(hasher, 'sha256', SECRET, 'X', NONE, NONE, 700);
    assert.equal(long.length, 88);
    assert.equal((long[0] ?? 0) >> 4, 0);
    const whole = kdfE(hasher, 'sha256', SECRET, 'X', NONE, NONE, 704);
    assert.equal(toHex(long.subarray(1)), toHex(whole.subarray(1)));
  });
});

/** What a TPM does with the seed, step by step from TPM 2.0 Part 1, clause 24. */
function open(seed: Uint8Array, credentialBlob: Uint8Array, akName: Uint8Array): string | null {
  const blob = Buffer.from(credentialBlob);
  assert.equal(blob.readUInt16BE(0), blob.length - 2);
  const mac = blob.subarray(4, 36);
  const encrypted = blob.subarray(36);
  const keys = credentialKeys(hasher, 'sha256', seed, akName, 128);
  if (toHex(hasher.hmac('sha256', keys.mac, encrypted, akName)) !== toHex(mac)) return null;
  const plain = createDecipheriv('aes-128-cfb', keys.symmetric, Buffer.alloc(16)).update(encrypted);
  assert.equal(plain.readUInt16BE(0), plain.length - 2);
  return toHex(plain.subarray(2));
}

describe('makeCredential', () => {
  test('for an RSA EK hides the secret under OAEP with the label IDENTITY and its NUL', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
    const ek = checkEndorsementKey(parsePublic(encodePublic({ ...EK_RSA_2048, modulus })));
    const made = makeCredential(nodeCrypto, ek, AK_NAME, SECRET);
    const options = {
      key: privateKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from('IDENTITY\0'),
    };
    const seed = privateDecrypt(options, made.encryptedSecret.subarray(2));
    assert.equal(open(seed, made.credentialBlob, AK_NAME), toHex(SECRET));
    assert.equal(open(seed, made.credentialBlob, AK_NAME.with(5, 0)), null);
  });

  test('for an ECC EK hides the secret under a key that an ephemeral one shares with it', () => {
    const ecdh = createECDH('prime256v1');
    const point = ecdh.generateKeys().subarray(1);
    const [x, y] = [point.subarray(0, 32), point.subarray(32)];
    const ek = checkEndorsementKey(parsePublic(encodePublic({ ...EK_ECC_P256, x, y })));
    const made = makeCredential(nodeCrypto, ek, AK_NAME, SECRET);
    const theirs = [made.encryptedSecret.subarray(4, 36), made.encryptedSecret.subarray(38)];
    const shared = ecdh.computeSecret(concat([Uint8Array.of(4), ...theirs]));
    const seed = kdfE(hasher, 'sha256', shared, 'IDENTITY', theirs[0] ?? NONE, x, 256);
    assert.equal(open(seed, made.credentialBlob, AK_NAME), toHex(SECRET));
    const again = makeCredential(nodeCrypto, ek, AK_NAME, SECRET);
    assert.notEqual(toHex(again.credentialBlob), toHex(made.credentialBlob));
  });

  test('refuses a secret that is longer than a digest of the EK', () => {
    const point = createECDH('prime256v1').generateKeys().subarray(1);
    const ek = checkEndorsementKey(
      parsePublic(encodePublic({ ...EK_ECC_P256, x: point.subarray(0, 32), y: point.subarray(32) })),
    );
    assert.throws(() => makeCredential(nodeCrypto, ek, AK_NAME, new Uint8Array(33)), { code: 'BYTES-LIMIT' });
  });
});
