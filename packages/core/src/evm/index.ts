export { evmDigest, evmHmac, verifyEvmHmac, verifyEvmSignature, type VerifiedMetadata } from './check.ts';
export {
  decryptKey,
  encryptKey,
  parseEncryptedKey,
  type KeyCipher,
  type KeyPorts,
  type ParsedEncryptedKey,
  type VerifiedEncryptedKey,
} from './encrypted-key.ts';
export { DEBIAN_EVM_XATTRS, EVM_XATTRS, metadataInput, type FileMetadata, type MetadataForm } from './metadata.ts';
export { hmacLabel, signMetadata } from './sign.ts';
