/** Bytes that a kernel of 64 bits keeps for an allocation of so many (mm/slab_common.c, kmalloc_info). */
export function kmallocSize(bytes: number): number {
  if (bytes === 0) return 0;
  const fixed = KMALLOC.find((size) => size >= bytes);
  return fixed ?? 2 ** Math.ceil(Math.log2(bytes));
}

const KMALLOC: readonly number[] = [8, 16, 32, 64, 96, 128, 192, 256];

/** struct ima_queue_entry */
const QUEUE_ENTRY = 40;
/** struct ima_template_entry in front of its fields, and struct ima_field_data */
const TEMPLATE_ENTRY = 32;
const FIELD = 16;
/** struct tpm_digest, one for each bank of the TPM: of two banks here, SHA-1 and SHA-256. */
const TPM_DIGEST = 66;
const BANKS = 2;
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
 * What an entry costs in a kernel of 64 bits since 5.8 with a TPM of two banks (ima_init.c, ima_queue.c, ima_template.c),
 * whose file digests are SHA-256.
 * @param template name; those with a signature have the label in it
 * @param pathLength bytes
 * @param labelLength bytes of a signature in security.ima
 */
export function entryCost(template: string, pathLength: number, labelLength: number): EntryCost {
  const lengths = fieldLengths(template, pathLength, labelLength);
  const data = lengths.map((length) => kmallocSize(length));
  const kernelBytes =
    kmallocSize(QUEUE_ENTRY) +
    kmallocSize(TEMPLATE_ENTRY + FIELD * lengths.length) +
    kmallocSize(TPM_DIGEST * BANKS) +
    sum(data);
  return { kernelBytes, listBytes: LIST_HEAD + template.length + sum(lengths.map((length) => 4 + length)) };
}

/** Memory for a file that a rule matched, as long as its inode is in the cache. */
export const INODE_COST = kmallocSize(INODE) + kmallocSize(DIGEST_HEAD + DIGEST_SIZE);

function fieldLengths(template: string, pathLength: number, labelLength: number): number[] {
  const digest = DIGEST_PREFIX + DIGEST_SIZE;
  const name = pathLength + 1;
  if (template === 'ima') return [20, name];
  return template.includes('sig') ? [digest, name, labelLength] : [digest, name];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
