/** A number as the kernel reads it, or the error that its reader gives. */
export type KernelNumber = bigint | 'EINVAL' | 'ERANGE';

const LARGEST_U64 = 0xffff_ffff_ffff_ffffn;

/**
 * kstrtoul of a 64-bit kernel (lib/kstrtox.c): one `+` may stand in front, and `0x` with base 16. Too large a number is
 * ERANGE even when something else follows its digits.
 */
export function kstrtoul(text: string, base: 10 | 16): KernelNumber {
  return unsigned(text.startsWith('+') ? text.slice(1) : text, base);
}

/** kstrtoint with base 10: as {@link kstrtoul}, or a `-` in front, and 32 bits. */
export function kstrtoint(text: string): KernelNumber {
  const negative = text.startsWith('-');
  const magnitude = negative ? unsigned(text.slice(1), 10) : kstrtoul(text, 10);
  if (typeof magnitude === 'string') return magnitude;
  const value = negative ? -magnitude : magnitude;
  return value === BigInt.asIntN(32, value) ? value : 'ERANGE';
}

function unsigned(text: string, base: 10 | 16): KernelNumber {
  const rest = base === 16 ? text.replace(/^0x/i, '') : text;
  const digits = (base === 16 ? /^[0-9a-f]+/i : /^[0-9]+/).exec(rest)?.[0];
  if (digits === undefined) return 'EINVAL';
  const significant = digits.replace(/^0+/, '');
  if (significant.length > 20) return 'ERANGE'; // More digits than the largest number has in base 10.
  const value = BigInt(base === 16 ? `0x${significant || '0'}` : significant || '0');
  if (value > LARGEST_U64) return 'ERANGE';
  return digits.length === rest.length ? value : 'EINVAL';
}
