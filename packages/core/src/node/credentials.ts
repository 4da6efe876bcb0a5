import { constants, createCipheriv, createDecipheriv, createECDH, publicEncrypt, randomBytes } from 'node:crypto';
import { concat, leftPadded } from '../bytes/index.ts';
import { CURVE_SIZES } from '../keys/index.ts';
import type { CredentialCrypto } from '../tpm/index.ts';
import { OPENSSL_CURVES } from './openssl-curves.ts';
import { keyObject } from './signatures.ts';

const ZERO_IV = new Uint8Array(16);

/** Credential encryption by Node's OpenSSL. */
export const nodeCredentials: CredentialCrypto = {
  random: (size) => randomBytes(size),
  oaepEncrypt(key, hash, label, plain) {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return publicEncrypt({ key: keyObject(key), padding, oaepHash: hash, oaepLabel: label }, plain);
  },
  ephemeralEcdh(peer) {
    const size = CURVE_SIZES[peer.curve];
    const ecdh = createECDH(OPENSSL_CURVES[peer.curve]);
    const point = ecdh.generateKeys().subarray(1); // After the byte that says: uncompressed.
    const shared = ecdh.computeSecret(concat([Uint8Array.of(4), peer.x, peer.y]));
    const ephemeral = { kind: 'ecc', curve: peer.curve, x: point.subarray(0, size), y: point.subarray(size) } as const;
    return { ephemeral, shared: leftPadded(shared, size) };
  },
  cfbEncrypt(key, plain, iv = ZERO_IV) {
    const cipher = createCipheriv(`aes-${key.length * 8}-cfb`, key, iv);
    return Buffer.concat([cipher.update(plain), cipher.final()]);
  },
  cfbDecrypt(key, encrypted, iv = ZERO_IV) {
    const decipher = createDecipheriv(`aes-${key.length * 8}-cfb`, key, iv);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  },
};
