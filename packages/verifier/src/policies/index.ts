export { re2Patterns } from './patterns.ts';
export { sigstoreCheck, type Identity, type SigstoreTrust } from './sigstore.ts';
export { parseTrustedRoot, type TrustedRoot } from './trusted-root.ts';
