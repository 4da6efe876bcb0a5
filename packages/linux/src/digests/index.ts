export { fastHasher } from './hasher.ts';
export { inPlaceHash, nodeInPlaceHash, type InPlaceHash } from './in-place.ts';
