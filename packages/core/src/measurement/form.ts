import type { HashName } from '../hash/index.ts';
import type { ByteOrder } from './entry.ts';

/** What a list does not say of itself. */
export interface ListForm {
  readonly format: 'binary' | 'ascii';
  /** Bank of the template digests. */
  readonly bank: HashName;
  /** Default: `little`. */
  readonly byteOrder?: ByteOrder;
  /** See `ParseOptions`; an ascii list tells it. */
  readonly imaHash?: 'sha1' | 'md5';
}
