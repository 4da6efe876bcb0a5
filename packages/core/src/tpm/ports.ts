import type { HashName } from '../hash/index.ts';
import type { EccPublicKey, RsaPublicKey } from '../keys/index.ts';

/** What credentials and sessions need beside digests; the caller brings it (`nodeCredentials` of `@assay/core/node`). */
export interface CredentialCrypto {
  /** Unpredictable bytes. */
  random(size: number): Uint8Array;
  /** RSAES-OAEP, `hash` for the label and for MGF1. */
  oaepEncrypt(key: RsaPublicKey, hash: HashName, label: Uint8Array, plain: Uint8Array): Uint8Array;
  /** A key pair made for this call, and the x-coordinate that it shares with `peer`, both padded. */
  ephemeralEcdh(peer: EccPublicKey): { readonly ephemeral: EccPublicKey; readonly shared: Uint8Array };
  /** AES in CFB mode with 128-bit feedback. @param iv 16 bytes; zeros if not given */
  cfbEncrypt(key: Uint8Array, plain: Uint8Array, iv?: Uint8Array): Uint8Array;
  /** @see cfbEncrypt */
  cfbDecrypt(key: Uint8Array, encrypted: Uint8Array, iv?: Uint8Array): Uint8Array;
}
