export { nodeHasher } from './digests.ts';
export { nodeSignatures } from './signatures.ts';
