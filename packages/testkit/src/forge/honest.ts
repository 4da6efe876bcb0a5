import { eccKey, forged, type QuoteBundle, type SoftwareKey } from './bundle.ts';
import type { ForgedCase } from './case.ts';

/** A quote, and what a sound verifier makes of it. */
export type QuoteCase = ForgedCase<QuoteBundle>;

export const KEY: SoftwareKey = eccKey();
export const HONEST = forged(KEY);
export const TRAILING = new Uint8Array(16);

export function attack(number: number, name: string, answer: string, bundle: QuoteBundle): QuoteCase {
  return { number, name, answer, bundle };
}

export function withNumber(bytes: Uint8Array, offset: number, width: 1 | 2 | 4, value: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let i = 0; i < width; i++) changed[offset + i] = (value >>> (8 * (width - 1 - i))) & 0xff;
  return changed;
}
