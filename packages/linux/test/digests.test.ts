import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { hashAlgorithm, plainInPlaceHasher, type HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { fastHasher, inPlaceHasher } from '@assay/linux/digests';
import fc from 'fast-check';
import { blockHash, laneHash, openBlockHash, openLaneHash } from '../src/digests/open.ts';

const FAST: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
/** The others are all computed by node:crypto. */
const HASHES: readonly HashName[] = [...FAST, 'md5', 'sm3'];
/** Where the place for messages fills: they are handed over in pieces of it. */
const STAGE = 16 * 1024;

function expected(algorithm: HashName, ...parts: readonly Uint8Array[]): string {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const HASHERS = [inPlaceHasher, plainInPlaceHasher(nodeHasher)] as const;
const anyHash = fc.constantFrom(...HASHES);

test('the fast hashes are used in this Node', () => {
  for (const algorithm of FAST) assert.ok(blockHash(algorithm), algorithm);
  for (const algorithm of ['md5', 'sm3'] as const) assert.equal(blockHash(algorithm), undefined);
});

test('FIPS 180-4 examples', () => {
  const abc = Buffer.from('abc');
  assert.equal(hex(fastHasher.digest('sha1', abc)), 'a9993e364706816aba3e25717850c26c9cd0d89d');
  assert.equal(
    hex(fastHasher.digest('sha256', abc)),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  assert.equal(
    hex(fastHasher.digest('sha384', abc)),
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  );
  assert.match(hex(fastHasher.digest('sha512', abc)), /^ddaf35a193617abacc417349ae204131.*2a9ac94fa54ca49f$/);
});

for (const algorithm of HASHES) {
  test(`${algorithm} of every length up to 300 and around full pieces is that of node:crypto`, () => {
    const { size } = hashAlgorithm(algorithm);
    const source = randomBytes(2 * STAGE + 600);
    const around = [STAGE, 2 * STAGE].flatMap((end) => Array.from({ length: 260 }, (_, index) => end - 130 + index));
    const out = new Uint8Array(size);
    for (const length of [...Array(301).keys(), ...around]) {
      const message = source.subarray(length % 7, (length % 7) + length);
      assert.equal(hex(fastHasher.digest(algorithm, message)), expected(algorithm, message), `${length} bytes`);
      inPlaceHasher.into(
        algorithm,
        viewOf(source),
        { start: length % 7, end: (length % 7) + length, offset: 0 },
        viewOf(out),
      );
      assert.equal(hex(out), expected(algorithm, message), `${length} bytes in place`);
    }
  });
}

test('parts are hashed as one message, however it is split', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 0, max: 3 * STAGE }).map((n) => randomBytes(n)),
  );
  fc.assert(
    fc.property(anyHash, fc.array(part, { maxLength: 8 }), (algorithm, parts) => {
      assert.equal(hex(fastHasher.digest(algorithm, ...parts)), expected(algorithm, ...parts));
    }),
    { numRuns: 500 },
  );
});

test('only the asked range is read and only the digest is written, in views of larger buffers', () => {
  const input = fc.record({
    algorithm: anyHash,
    memory: fc.uint8Array({ minLength: 1, maxLength: 1000 }),
    cuts: fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
    outStart: fc.nat(100),
    offset: fc.nat(100),
  });
  fc.assert(
    fc.property(input, ({ algorithm, memory, cuts, outStart, offset }) => {
      const { size } = hashAlgorithm(algorithm);
      const [a = 0, b = 0, c = 0, d = 0] = cuts.map((cut) => cut % (memory.length + 1)).toSorted((x, y) => x - y);
      const before = randomBytes(outStart + offset + size + 50);
      const target = Uint8Array.from(before);
      const view = new DataView(memory.buffer, memory.byteOffset + a, d - a);
      inPlaceHasher.into(
        algorithm,
        view,
        { start: b - a, end: c - a, offset: offset },
        viewOf(target.subarray(outStart)),
      );
      const at = outStart + offset;
      assert.equal(hex(target.subarray(at, at + size)), expected(algorithm, memory.subarray(b, c)));
      assert.deepEqual(target.subarray(0, at), Uint8Array.from(before.subarray(0, at)));
      assert.deepEqual(target.subarray(at + size), Uint8Array.from(before.subarray(at + size)));
    }),
    { numRuns: 1000 },
  );
});

test('a range that is not inside its view is refused and nothing is written', () => {
  const bad = [
    [-1, 4],
    [4, 3],
    [0, 11],
    [10, 11],
    [0.5, 4],
    [0, Number.NaN],
    [Number.NaN, 4],
    [0, Infinity],
    [2 ** 53, 2 ** 53],
  ];
  for (const algorithm of HASHES) {
    for (const hasher of HASHERS) {
      const bytes = viewOf(new Uint8Array(20).subarray(5, 15));
      const { size } = hashAlgorithm(algorithm);
      const out = new Uint8Array(size + 2);
      for (const [start = 0, end = 0] of bad) {
        assert.throws(
          () => hasher.into(algorithm, bytes, { start, end, offset: 0 }, viewOf(out)),
          RangeError,
          `${start} to ${end}`,
        );
      }
      for (const offset of [-1, 3, 0.5, Number.NaN]) {
        assert.throws(
          () => hasher.into(algorithm, bytes, { start: 0, end: 10, offset }, viewOf(out)),
          RangeError,
          `to ${offset}`,
        );
      }
      assert.deepEqual(out, new Uint8Array(size + 2));
    }
  }
});

test('an extend is the digest of the value and what follows it', () => {
  for (const algorithm of HASHES) {
    const { size } = hashAlgorithm(algorithm);
    for (const hasher of HASHERS) {
      const [initial, by] = [randomBytes(size), randomBytes(2 * size + 5)];
      const register = hasher.register(algorithm, initial);
      const other = hasher.register(algorithm, initial);
      const once = expected(algorithm, initial, by.subarray(3, 3 + size));
      const value = (): string => hex(Buffer.from(register.value.buffer, register.value.byteOffset, size));
      register.extend(viewOf(by), 3);
      assert.equal(value(), once);
      for (const from of [-1, size + 6, 0.5, Number.NaN]) {
        assert.throws(() => register.extend(viewOf(by), from), RangeError);
      }
      other.extend(viewOf(by), 0);
      assert.equal(value(), once);
      register.extend(viewOf(by), size + 5);
      assert.equal(value(), expected(algorithm, Buffer.from(once, 'hex'), by.subarray(size + 5)));
    }
  }
});

test('many digests at once are those of node:crypto, of messages of every length, in any order and number', () => {
  const message = fc.record({ start: fc.nat(3000), length: fc.oneof(fc.nat(300), fc.nat(3000)) });
  const algorithms = fc.oneof(
    fc.uniqueArray(anyHash, { maxLength: 4 }),
    fc.constant<HashName[]>(['sha1', 'sha256']),
    fc.constant<HashName[]>(['sha256']),
  );
  fc.assert(
    fc.property(algorithms, fc.array(message, { maxLength: 40 }), fc.nat(9), (banks, messages, shift) => {
      const size = banks.reduce((sum, bank) => sum + hashAlgorithm(bank).size, 0);
      for (const hasher of HASHERS) {
        const memory = randomBytes(6000);
        const out = randomBytes((messages.length + 1) * size + shift);
        const wanted = Buffer.from(out);
        const spans = messages.flatMap(({ start, length }, index) => [start, start + length, index * size + shift]);
        for (const [index, { start, length }] of messages.entries()) {
          const digests = banks.map((bank) => expected(bank, memory.subarray(start, start + length)));
          wanted.write(digests.join(''), index * size + shift, 'hex');
        }
        hasher.each(banks, viewOf(memory), Int32Array.from(spans), messages.length, viewOf(out));
        assert.deepEqual(out, wanted);
      }
    }),
  );
});

test('after messages of which one is refused, many digests at once are right', () => {
  for (const algorithm of HASHES) {
    const { size } = hashAlgorithm(algorithm);
    for (const hasher of HASHERS) {
      const [memory, out] = [randomBytes(100), new Uint8Array(2 * size)];
      const each = (...spans: number[]): void =>
        hasher.each([algorithm], viewOf(memory), Int32Array.from(spans), spans.length / 3, viewOf(out));
      assert.throws(() => each(0, 10, 0, 90, 101, 0), RangeError);
      assert.throws(() => each(0, 10, size + 1), RangeError);
      each(20, 30, size);
      assert.equal(hex(out.subarray(size)), expected(algorithm, memory.subarray(20, 30)));
    }
  }
});

test('a view whose buffer was detached is refused', () => {
  const bytes = new Uint8Array(64);
  const view = viewOf(bytes);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  for (const algorithm of FAST) {
    assert.throws(
      () => inPlaceHasher.into(algorithm, view, { start: 0, end: 64, offset: 0 }, viewOf(new Uint8Array(64))),
      TypeError,
    );
  }
  assert.equal(hex(fastHasher.digest('sha256', new Uint8Array(3))), expected('sha256', new Uint8Array(3)));
});

test('the digest may be written over the message', () => {
  for (const algorithm of FAST) {
    const memory = randomBytes(200);
    const wanted = expected(algorithm, memory.subarray(10, 150));
    inPlaceHasher.into(algorithm, viewOf(memory), { start: 10, end: 150, offset: 20 }, viewOf(memory));
    assert.equal(hex(memory.subarray(20, 20 + hashAlgorithm(algorithm).size)), wanted);
  }
});

test('shared memory is read and written', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2 * STAGE));
  shared.set(randomBytes(STAGE + 100));
  for (const length of [100, STAGE + 100]) {
    inPlaceHasher.into('sha256', viewOf(shared), { start: 0, end: length, offset: STAGE + 200 }, viewOf(shared));
    const wanted = expected('sha256', Buffer.from(shared.subarray(0, length)));
    assert.equal(hex(shared.subarray(STAGE + 200, STAGE + 232)), wanted);
  }
});

test('a digest of its own is handed out each time', () => {
  const first = fastHasher.digest('sha256', Buffer.from('a'));
  const kept = hex(first);
  fastHasher.digest('sha256', Buffer.from('b'));
  assert.equal(hex(first), kept);
});

test('HMAC is that of node:crypto', () => {
  const [key, message] = [randomBytes(32), randomBytes(100)];
  const wanted = createHmac('sha256', key).update(message).digest('hex');
  assert.equal(hex(fastHasher.hmac('sha256', key, message.subarray(0, 7), message.subarray(7))), wanted);
});

test('a function that is missing, or a layout that is not that of the hash, leaves the work to node:crypto', () => {
  const sha256 = { size: 32, block: 64, stateWords: 8, init: 'SHA256_Init', update: 'SHA256_Update' } as const;
  assert.ok(openBlockHash('sha256', sha256));
  assert.equal(openBlockHash('sha256', { ...sha256, update: 'SHA256_Missing' }), undefined);
  assert.equal(openBlockHash('sha256', { ...sha256, init: 'SHA1_Init' }), undefined);
  assert.equal(openBlockHash('sha256', { ...sha256, block: 128 }), undefined);
  assert.equal(openBlockHash('sha256', { ...sha256, stateWords: 6 }), undefined);
  assert.equal(openBlockHash('sha256', { ...sha256, size: 28 }), undefined);
});

test('without a function for many messages at once, or with that of another hash, they are computed one by one', () => {
  const initial = blockHash('sha256')?.initial ?? new Uint32Array(8);
  assert.equal(openLaneHash('sha256', 'sha256_multi_missing', initial), undefined);
  if (laneHash('sha256') === undefined) return;
  assert.ok(openLaneHash('sha256', 'sha256_multi_block', initial));
  assert.equal(openLaneHash('sha256', 'sha1_multi_block', initial), undefined);
  assert.equal(openLaneHash('sha1', 'sha256_multi_block', initial), undefined);
});

/** Each thread checks its own digests, all at the same time. */
const THREAD = `
  import { createHash, randomBytes } from 'node:crypto';
  import { parentPort } from 'node:worker_threads';
  const { fastHasher } = await import(${JSON.stringify(new URL('../src/digests/index.ts', import.meta.url).href)});
  let wrong = 0;
  for (let round = 0; round < 20000; round++) {
    const algorithm = ['sha1', 'sha256', 'sha384', 'sha512'][round % 4];
    const message = randomBytes(round % 400);
    const digest = Buffer.from(fastHasher.digest(algorithm, message));
    if (!digest.equals(createHash(algorithm).update(message).digest())) wrong++;
  }
  parentPort.postMessage(wrong);
`;

test('threads do not disturb each other', async () => {
  const url = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);
  const answers = await Promise.all(Array.from({ length: 4 }, () => once(new Worker(url), 'message')));
  assert.deepEqual(answers, [[0], [0], [0], [0]]);
});
