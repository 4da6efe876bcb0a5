import assert from 'node:assert/strict';
import { concat, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';

/** More by ASSAY_MUTATIONS=10000000; a failure names its seed, for ASSAY_SEED. */
const MUTATIONS = Number(process.env['ASSAY_MUTATIONS'] ?? 5_000);
const SEED = Number(process.env['ASSAY_SEED'] ?? 20_261_122);
/** Each parser stops after so many seconds, however many mutations are left. */
const SECONDS = Number(process.env['ASSAY_MUTATION_SECONDS'] ?? 600);

/** Mulberry32: small, even, and the same everywhere. */
function generator(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Bytes changed, sizes at their ends, pieces cut out or put in. */
function mutated(good: Uint8Array, random: (limit: number) => number): Uint8Array {
  let result = good.slice();
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(result.length + 1);
    switch (random(6)) {
      case 0:
        result = result.slice(0, at);
        break;
      case 1:
        result = concat([result.subarray(0, at), new Uint8Array(random(9)).fill(random(256)), result.subarray(at)]);
        break;
      case 2:
        result = concat([result.subarray(0, at), result.subarray(at + 1 + random(8))]);
        break;
      case 3:
        if (at < result.length) result[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)] ?? 0;
        break;
      default:
        if (at < result.length) result[at] = (result[at] ?? 0) ^ (1 << random(8));
    }
  }
  return result;
}

const isFormatError = (error: unknown): boolean => error instanceof FormatError;

/**
 * Tries changed forms of `good`: each is refused with a typed error, or read in one way only.
 * @param again reads its input; gives what it read encoded again where an encoder is public
 * @returns how many were tried before the time was up
 */
export function assertHostileInput(
  good: Uint8Array,
  again: (input: Uint8Array) => Uint8Array | undefined,
  isTyped: (error: unknown) => boolean = isFormatError,
): number {
  const random = generator(SEED);
  const end = performance.now() + SECONDS * 1000;
  for (let i = 0; i < MUTATIONS; i++) {
    if (i % 1024 === 0 && performance.now() > end) return i;
    const input = mutated(good, random);
    let output: Uint8Array | undefined;
    try {
      output = again(input);
    } catch (error) {
      if (!isTyped(error)) assert.fail(`seed ${SEED}, mutation ${i}, ${toHex(input)}: ${String(error)}`);
      continue;
    }
    if (output !== undefined && Buffer.compare(output, input) !== 0) {
      assert.equal(toHex(output), toHex(input), `seed ${SEED}, mutation ${i}`);
    }
  }
  return MUTATIONS;
}
