import { ByteReader } from '../bytes/index.ts';
import { hashAlgorithm, type HashName } from '../hash/index.ts';
import type { ByteOrder } from './entry.ts';

/**
 * The byte order in which the first record's PCR and name length make sense; little-endian when both do or none does.
 * @param bytes of the list from its start; the first hundred are enough
 */
export function byteOrderOf(bytes: Uint8Array, bank: HashName): ByteOrder {
  return fits(bytes, bank, 'big') && !fits(bytes, bank, 'little') ? 'big' : 'little';
}

function fits(bytes: Uint8Array, bank: HashName, order: ByteOrder): boolean {
  const header = 4 + hashAlgorithm(bank).size + 4;
  if (bytes.length < header) return false;
  const reader = new ByteReader(bytes, 'measurement list', { littleEndian: order === 'little' });
  const pcr = reader.u32('pcr');
  reader.take(hashAlgorithm(bank).size, 'template digest');
  const nameLength = reader.u32('template name length');
  return pcr < 24 && nameLength > 0 && nameLength < 256;
}
