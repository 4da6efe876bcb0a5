export { certificateBy, newSigningKey, type NodeIssuer } from './certificates.ts';
export { nodeCredentials } from './credentials.ts';
export { nodeCrypto } from './crypto.ts';
export { nodeDigestSignatures } from './digest-signatures.ts';
export { nodeHasher } from './digests.ts';
export { nodeKeyCipher } from './key-cipher.ts';
export { nodeMessageSignatures } from './message-signatures.ts';
export { nodeSignatures } from './signatures.ts';
