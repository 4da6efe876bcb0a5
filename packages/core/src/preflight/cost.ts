import { entryMemory, kmallocSize } from '../measurement/index.ts';

/** struct ima_iint_cache of a file that a rule matched, and its digest. */
const INODE = 128;
const DIGEST_SIZE = 32;
const DIGEST_HEAD = 4;

/** `sha256:` and a zero in front of a digest in the fields d-ng. */
const DIGEST_PREFIX = 8;
/** PCR, template digest (SHA-1), length and name of the template, length of the data. */
const LIST_HEAD = 4 + 20 + 4 + 4;

export interface EntryCost {
  /** Memory of the kernel that is never given back. */
  readonly kernelBytes: number;
  /** Length in binary_runtime_measurements. */
  readonly listBytes: number;
}

/**
 * What an entry with a SHA-256 file digest costs, as `entryMemory` counts.
 * @param template name; those with a signature have the label in it
 * @param pathLength bytes
 * @param labelLength bytes of a signature in security.ima
 */
export function entryCost(template: string, pathLength: number, labelLength: number): EntryCost {
  const lengths = fieldLengths(template, pathLength, labelLength);
  const data = lengths.reduce((total, length) => total + 4 + length, 0);
  // The first template writes neither the length of its data nor that of the digest, and the name without its zero.
  const saved = template === 'ima' ? 4 + 4 + 1 : 0;
  return { kernelBytes: entryMemory(lengths), listBytes: LIST_HEAD + template.length + data - saved };
}

/** Memory for a file that a rule matched, as long as its inode is in the cache. */
export const INODE_COST = kmallocSize(INODE) + kmallocSize(DIGEST_HEAD + DIGEST_SIZE);

function fieldLengths(template: string, pathLength: number, labelLength: number): number[] {
  const digest = DIGEST_PREFIX + DIGEST_SIZE;
  const name = pathLength + 1;
  if (template === 'ima') return [20, name];
  return template.includes('sig') ? [digest, name, labelLength] : [digest, name];
}
