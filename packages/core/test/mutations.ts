import assert from 'node:assert/strict';
import { concat, toHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';

/** More by ASSAY_MUTATIONS=10000000; a failure names its seed, for ASSAY_SEED. */
const MUTATIONS = Number(process.env['ASSAY_MUTATIONS'] ?? 5_000);
const SEED = Number(process.env['ASSAY_SEED'] ?? 20_261_122);
/** Each parser stops after so many seconds, however many mutations are left. */
const SECONDS = Number(process.env['ASSAY_MUTATION_SECONDS'] ?? 600);

/** Whole numbers from 0 to below `limit`. */
type Random = (limit: number) => number;

/** Mulberry32: small, even, and the same everywhere. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

type Change = (bytes: Uint8Array, random: Random) => Uint8Array;

/** A piece of at most `longest` bytes: fields, records and lines are short. */
function piece(bytes: Uint8Array, random: Random, longest = 96): readonly [start: number, end: number] {
  const start = random(bytes.length + 1);
  return [start, Math.min(bytes.length, start + 1 + random(longest))];
}

function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const result = bytes.slice();
  result.set(by.subarray(0, Math.max(0, bytes.length - at)), at);
  return result;
}

const cut: Change = (bytes, random) => bytes.slice(0, random(bytes.length + 1));

const fill: Change = (bytes, random) => {
  const at = random(bytes.length + 1);
  return concat([bytes.subarray(0, at), new Uint8Array(1 + random(9)).fill(random(256)), bytes.subarray(at)]);
};

const remove: Change = (bytes, random) => {
  const [start, end] = piece(bytes, random, 1 + random(40));
  return concat([bytes.subarray(0, start), bytes.subarray(end)]);
};

const boundary: Change = (bytes, random) =>
  overwritten(bytes, random(bytes.length + 1), Uint8Array.of([0, 1, 0x7f, 0x80, 0xfe, 0xff][random(6)] ?? 0));

const flip: Change = (bytes, random) => {
  const at = random(bytes.length + 1);
  return overwritten(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random(8))));
};

/** A number of 1 to 8 bytes in either order, as sizes, counts and selectors are: a little more or less, or at an end. */
const number: Change = (bytes, random) => {
  const width = [1, 2, 4, 8][random(4)] ?? 1;
  const at = random(Math.max(1, bytes.length - width + 1));
  const little = random(2) === 0;
  const digits = bytes.slice(at, at + width);
  const ordered = little ? digits.toReversed() : digits;
  const old = ordered.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const left = BigInt(bytes.length - at - width);
  const values = [old + 1n, old - 1n, old * 2n, old / 2n, 0n, 1n, -1n, left, left + 1n, 1n << BigInt(8 * width - 1)];
  let value = BigInt.asUintN(8 * width, values[random(values.length)] ?? 0n);
  const written = new Uint8Array(width);
  for (let i = width - 1; i >= 0; i--, value >>= 8n) written[i] = Number(value & 0xffn);
  return overwritten(bytes, at, little ? written.toReversed() : written);
};

/** A field or record once more, there or elsewhere. */
const duplicate: Change = (bytes, random) => {
  const [start, end] = piece(bytes, random);
  const at = random(2) === 0 ? end : random(bytes.length + 1);
  return concat([bytes.subarray(0, at), bytes.subarray(start, end), bytes.subarray(at)]);
};

/** Two fields in each other's place. */
const exchange: Change = (bytes, random) => {
  const [a, b] = [random(bytes.length + 1), random(bytes.length + 1)].toSorted((one, other) => one - other);
  const [first = 0, second = 0] = [a, b];
  const size = 1 + random(64);
  const [endOfFirst, endOfSecond] = [Math.min(first + size, second), Math.min(second + size, bytes.length)];
  return concat([
    bytes.subarray(0, first),
    bytes.subarray(second, endOfSecond),
    bytes.subarray(endOfFirst, second),
    bytes.subarray(first, endOfFirst),
    bytes.subarray(endOfSecond),
  ]);
};

/** One field over another one. */
const copy: Change = (bytes, random) => {
  const [start, end] = piece(bytes, random, 1 + random(40));
  return overwritten(bytes, random(bytes.length + 1), bytes.slice(start, end));
};

const CHANGES: readonly Change[] = [
  cut,
  fill,
  remove,
  boundary,
  flip,
  flip,
  number,
  number,
  number,
  duplicate,
  exchange,
  copy,
];

function mutated(good: Uint8Array, random: Random): Uint8Array {
  let result = good;
  for (let changes = 1 + random(3); changes > 0; changes--) {
    result = (CHANGES[random(CHANGES.length)] ?? flip)(result, random);
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

/** Cut at each offset, the input is refused with a typed error, or read in one way only. */
export function assertHostileCuts(
  good: Uint8Array,
  again: (input: Uint8Array) => Uint8Array | undefined,
  isTyped: (error: unknown) => boolean = isFormatError,
): void {
  for (let length = 0; length < good.length; length++) {
    const input = good.slice(0, length);
    try {
      const output = again(input);
      if (output !== undefined) assert.equal(toHex(output), toHex(input), `cut to ${length} bytes`);
    } catch (error) {
      if (error instanceof assert.AssertionError || !isTyped(error)) assert.fail(`cut to ${length}: ${String(error)}`);
    }
  }
}
