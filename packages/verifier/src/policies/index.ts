export { re2Patterns } from './patterns.ts';
export { sigstoreCheck, type Identity, type SigstoreTrust } from './sigstore.ts';
export { parseTrustedRoot, type TrustedRoot } from './trusted-root.ts';
export { directorySource } from './source/directory.ts';
export { gitSource, type GitOptions } from './source/git.ts';
export type { PolicySource } from './source/source.ts';
