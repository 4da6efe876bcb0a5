export {
  opensslDigest,
  opensslPublicKey,
  opensslSigner,
  opensslVerifies,
  type OpensslModule,
} from './openssl-command.ts';
export { openSigner, type SignerSource } from './open.ts';
export { isEncryptedPem, openPemKey, type OpenedKey } from './private-key.ts';
