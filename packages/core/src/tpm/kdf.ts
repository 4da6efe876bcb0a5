import { ByteWriter, concat, utf8 } from '../bytes/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';

/**
 * KDFa: SP 800-108 in counter mode over HMAC (TPM 2.0 Part 1, clause 11.4.10.2).
 * @param label without the NUL that ends it
 * @returns ceil(bits / 8) bytes, most significant bits cleared where `bits` is no multiple of 8
 */
// oxlint-disable-next-line max-params -- they are those of the specification
export function kdfA(
  hasher: Hasher,
  hash: HashName,
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  bits: number,
): Uint8Array {
  const fixed = [utf8(`${label}\0`), contextU, contextV, new ByteWriter().u32(bits).finish()];
  return derive(bits, (counter) => hasher.hmac(hash, key, counter, ...fixed));
}

/**
 * KDFe: SP 800-56A concatenation over an ECDH secret (TPM 2.0 Part 1, clause 11.4.10.3).
 * @param z x-coordinate of the shared point, padded to the curve's size
 * @param label without the NUL that ends it
 */
// oxlint-disable-next-line max-params -- they are those of the specification
export function kdfE(
  hasher: Hasher,
  hash: HashName,
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
  bits: number,
): Uint8Array {
  const fixed = [z, utf8(`${label}\0`), partyU, partyV];
  return derive(bits, (counter) => hasher.digest(hash, counter, ...fixed));
}

function derive(bits: number, block: (counter: Uint8Array) => Uint8Array): Uint8Array {
  const size = Math.ceil(bits / 8);
  const blocks: Uint8Array[] = [];
  for (let counter = 1, have = 0; have < size; counter++) {
    const next = block(new ByteWriter().u32(counter).finish());
    blocks.push(next);
    have += next.length;
  }
  const bytes = concat(blocks).slice(0, size);
  if (bits % 8 !== 0) bytes[0] = (bytes[0] ?? 0) & ((1 << (bits % 8)) - 1);
  return bytes;
}
