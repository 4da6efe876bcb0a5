export { fastHasher } from './hasher.ts';
export { inPlaceHash } from './in-place.ts';
