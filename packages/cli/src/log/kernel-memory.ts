import type { MeasurementEntry } from '@assay/core/measurement';
import { fieldsOf } from '@assay/core/measurement';

/** struct ima_queue_entry on 64 bits: two links of a hash list, two of a list, one pointer (ima.h). */
const QUEUE_ENTRY = 40;
/** struct ima_template_entry without its fields, and struct ima_field_data (ima.h). */
const TEMPLATE_ENTRY = 32;
const FIELD = 16;
/** struct tpm_digest: algorithm and the largest digest (include/linux/tpm.h). */
const DIGEST = 66;
/** SHA-1, which is always there, and the bank of SHA-256. */
const DIGESTS = 2;
const LENGTH = 4;

/**
 * Bytes that an entry takes in the memory of a 64-bit kernel with digests for two banks: its structures and fields, each
 * rounded up to the size that kmalloc gives. An estimate: fields of one size each are assumed to be as long as they are
 * on average, and what the allocator itself needs is left out.
 */
export function kernelMemory(entry: MeasurementEntry): number {
  const count = fieldsOf(entry.template).length;
  const lengths = entry.template === 'ima' ? LENGTH : count * LENGTH;
  const name = (entry.fields.name?.length ?? 0) + 1;
  const rest = Math.max(0, entry.templateData.length - lengths - name);
  const fields = allocated(name) + (count > 1 ? (count - 1) * allocated(Math.ceil(rest / (count - 1))) : 0);
  return allocated(QUEUE_ENTRY) + allocated(TEMPLATE_ENTRY + count * FIELD) + allocated(DIGESTS * DIGEST) + fields;
}

/** Sizes of kmalloc caches (mm/slab_common.c), beyond which whole pages are given. */
const CACHES = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192];
const PAGE = 4096;

function allocated(size: number): number {
  if (size === 0) return 0;
  return CACHES.find((cache) => cache >= size) ?? Math.ceil(size / PAGE) * PAGE;
}
