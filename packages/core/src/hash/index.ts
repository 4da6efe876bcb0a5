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
export { plainInPlaceHash, type InPlaceHash, type InPlaceHashes } from './in-place.ts';
export type { Hasher } from './port.ts';
