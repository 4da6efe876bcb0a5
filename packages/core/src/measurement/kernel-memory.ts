/**
 * Bytes that a 64-bit kernel keeps for an allocation of so many: the size of a kmalloc cache (mm/slab_common.c,
 * kmalloc_info), beyond the caches whole pages by powers of two.
 */
export function kmallocSize(bytes: number): number {
  if (bytes === 0) return 0;
  return SMALL_CACHES.find((size) => size >= bytes) ?? 2 ** Math.ceil(Math.log2(bytes));
}

const SMALL_CACHES: readonly number[] = [8, 16, 32, 64, 96, 128, 192, 256];

/** struct ima_queue_entry: two links of a hash list, two of a list, one pointer (ima.h). */
const QUEUE_ENTRY = 40;
/** struct ima_template_entry without its fields, and struct ima_field_data (ima.h). */
const TEMPLATE_ENTRY = 32;
const FIELD = 16;
/** struct tpm_digest: algorithm and the largest digest (include/linux/tpm.h). */
const TPM_DIGEST = 66;
/** SHA-1, which is always there, and the bank of SHA-256. */
const BANKS = 2;

/**
 * Bytes of kernel memory that an entry takes for good, on 64 bits since 5.8 and with digests for two banks (ima_init.c,
 * ima_queue.c, ima_template.c). What the allocator itself needs is left out.
 * @param fields length of each field of its template, in bytes
 */
export function entryMemory(fields: readonly number[]): number {
  const structures = [QUEUE_ENTRY, TEMPLATE_ENTRY + FIELD * fields.length, TPM_DIGEST * BANKS];
  return [...structures, ...fields].reduce((total, size) => total + kmallocSize(size), 0);
}
