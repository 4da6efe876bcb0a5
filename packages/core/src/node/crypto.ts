import { nodeCredentials } from './credentials.ts';
import { nodeHasher } from './digests.ts';
import { nodeSignatures } from './signatures.ts';

/** Every port of core, by Node's OpenSSL. */
export const nodeCrypto = { hasher: nodeHasher, signatures: nodeSignatures, credentials: nodeCredentials } as const;
