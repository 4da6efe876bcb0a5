export {
  hashAlgorithm,
  hashNamed,
  hashOfKernelId,
  hashOfTpmId,
  HASH_NAMES,
  isHashName,
  type HashAlgorithm,
  type HashName,
} from './algorithms.ts';
export { plainInPlaceHasher, type InPlaceHasher, type Register } from './in-place.ts';
export type { Hasher } from './port.ts';
