export { fastHasher } from './hasher.ts';
export { inPlaceHasher } from './in-place.ts';
