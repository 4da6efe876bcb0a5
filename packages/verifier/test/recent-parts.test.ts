import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import { RecentParts } from '../src/rounds/recent-parts.ts';
import type { PartPlace } from '../src/store/list-parts.ts';

const list = new SimulatedList();
for (const name of ['one', 'two']) list.measure(name, nodeHasher.digest('sha256', new TextEncoder().encode(name)));
const records = new Uint8Array(list.bytes());

const PLACE: PartPlace = {
  host: '0123456789abcdef',
  first: 7,
  byte_offset: 900,
  upload: 'one',
  start_pcr: new Uint8Array(32).fill(1),
  end_pcr: new Uint8Array(32).fill(2),
  count: 2,
  bytes: records.length,
  violations: 0,
  received_at: '2026-11-23T00:00:00.000Z',
};

function added(limit?: number, ...places: readonly PartPlace[]): RecentParts {
  const parts = new RecentParts(limit);
  for (const place of places) parts.add(place, 'sha256', records);
  return parts;
}

test('a part is given once, with the entries at their places, and without what came after its whole records', () => {
  const parts = new RecentParts();
  parts.add(PLACE, 'sha256', Uint8Array.of(...records, 1, 2, 3));
  const entries = parts.take(PLACE);
  assert.deepEqual(
    entries?.map(({ number, offset }) => [number, offset]),
    [
      [7, 900],
      [8, 900 + list.offsetOf(2)],
    ],
  );
  assert.equal(parts.take(PLACE), undefined);
});

const OTHERS: Readonly<Record<string, Partial<PartPlace>>> = {
  'of another host': { host: 'fedcba9876543210' },
  'from another place': { first: 8 },
  'of another upload': { upload: 'two' },
  'before which the PCR was another one': { start_pcr: new Uint8Array(32) },
  'after which the PCR is another one': { end_pcr: new Uint8Array(32) },
  'that came at another time': { received_at: '2026-11-23T00:00:00.001Z' },
};

for (const [what, other] of Object.entries(OTHERS)) {
  test(`a part ${what} is not taken for the one that is kept`, () => {
    assert.equal(added(undefined, PLACE).take({ ...PLACE, ...other }), undefined);
  });
}

test('the parts that came last are kept, as far as there is room', () => {
  const places = [1, 3, 5].map((first) => ({ ...PLACE, first }));
  const parts = added(2 * records.length, ...places);
  assert.deepEqual(
    places.map((place) => parts.take(place) !== undefined),
    [false, true, true],
  );
});

test('a part that comes again takes the room of the one before', () => {
  const [one, two] = [PLACE, { ...PLACE, first: 9 }];
  const parts = added(2 * records.length, one, two, two);
  assert.deepEqual([parts.take(one)?.length, parts.take(two)?.length], [2, 2]);
});
