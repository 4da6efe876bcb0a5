import { nodeCredentials } from './credentials.ts';
import { nodeDigestSignatures } from './digest-signatures.ts';
import { nodeHasher } from './digests.ts';
import { nodeKeyCipher } from './key-cipher.ts';
import { nodeSignatures } from './signatures.ts';

/** Every port of core, by Node's OpenSSL. */
export const nodeCrypto = {
  hasher: nodeHasher,
  signatures: nodeSignatures,
  digestSignatures: nodeDigestSignatures,
  credentials: nodeCredentials,
  keyCipher: nodeKeyCipher,
} as const;
