import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyCipher } from '../evm/index.ts';

/** Encryption of the kernel's `encrypted` keys by Node's OpenSSL. */
export const nodeKeyCipher: KeyCipher = {
  encrypt(key, iv, plain) {
    const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(plain), cipher.final()]);
  },
  decrypt(key, iv, encrypted) {
    const decipher = createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  },
};
