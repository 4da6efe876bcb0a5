import { checkRange } from '@assay/core/bytes';
import { hashAlgorithm, plainInPlaceHasher, type HashName, type InPlaceHasher } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { LaneMessages, type LaneHash } from './lanes.ts';
import { blockHash, laneHash } from './open.ts';

const plain = plainInPlaceHasher(nodeHasher);

/** One for all digests of a thread. */
let messages: LaneMessages | undefined;

/**
 * The fastest there is in this thread. For SHA-1 and SHA-2 a digest costs one foreign call, or an eighth of one where there
 * are many short messages, and allocates nothing.
 */
export const inPlaceHasher: InPlaceHasher = { into, each, register };

function into(...[algorithm, bytes, span, out]: Parameters<InPlaceHasher['into']>): void {
  const hash = blockHash(algorithm);
  if (hash === undefined) plain.into(algorithm, bytes, span, out);
  else hash.into(bytes, span.start, span.end, out, span.offset);
}

function register(...[algorithm, value]: Parameters<InPlaceHasher['register']>): ReturnType<InPlaceHasher['register']> {
  return blockHash(algorithm)?.register(value) ?? plain.register(algorithm, value);
}

/** A hash that is computed in lanes, and where its digest goes behind the first one of a message. */
interface Lane {
  readonly algorithm: HashName;
  readonly shift: number;
  readonly hash: LaneHash | undefined;
}

function each(...[algorithms, bytes, spans, count, out]: Parameters<InPlaceHasher['each']>): void {
  const lanes = lanesOf(algorithms);
  const alone = lanes.filter(({ hash }) => hash === undefined);
  const size = algorithms.reduce((sum, algorithm) => sum + hashAlgorithm(algorithm).size, 0);
  messages ??= new LaneMessages();
  messages.begin();
  for (let index = 0; index < 3 * count; index += 3) {
    const start = spans[index] ?? 0;
    const end = spans[index + 1] ?? 0;
    const offset = spans[index + 2] ?? 0;
    checkRange(bytes, start, end);
    checkRange(out, offset, offset + size);
    const short = end - start <= LaneMessages.longest;
    if (short && messages.add(bytes, start, end, offset)) flush(messages, lanes, out);
    if (short && alone.length === 0) continue;
    for (const { algorithm, shift } of short ? alone : lanes) {
      into(algorithm, bytes, { start, end, offset: offset + shift }, out);
    }
  }
  flush(messages, lanes, out);
}

function lanesOf(algorithms: readonly HashName[]): Lane[] {
  let next = 0;
  return algorithms.map((algorithm) => {
    const shift = next;
    next += hashAlgorithm(algorithm).size;
    return { algorithm, shift, hash: laneHash(algorithm) };
  });
}

function flush(staged: LaneMessages, lanes: readonly Lane[], out: DataView): void {
  for (const { hash, shift } of lanes) hash?.digest(staged, out, shift);
  staged.begin();
}
