export { formattedDigest, verityDescriptor } from './descriptor.ts';
export { VERITY_DEFAULTS, type VerityHash, type VerityParameters } from './parameters.ts';
export { VerityDigest, type VerityResult } from './tree.ts';
