export { nodeCredentials } from './credentials.ts';
export { nodeCrypto } from './crypto.ts';
export { nodeHasher } from './digests.ts';
export { nodeSignatures } from './signatures.ts';
