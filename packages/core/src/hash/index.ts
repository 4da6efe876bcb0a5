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
export type { Hasher } from './port.ts';
