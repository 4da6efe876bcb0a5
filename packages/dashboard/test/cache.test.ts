import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measurement } from '@assay/wire';
import { QueryClient } from '@tanstack/react-query';
import { applyEvent, arrivalsOf } from '../src/api/cache.ts';
import { measurementsQuery } from '../src/api/queries.ts';

const HOST = '00112233445566aa';

function measurement(entry: number, changes: Partial<Measurement> = {}): Measurement {
  const digest = `sha256:${entry.toString(16).padStart(64, '0')}`;
  const filenameHint = `/usr/bin/program-${entry}`;
  const receivedAt = '2026-09-01T12:00:00.000Z';
  return {
    entry,
    pcr: 10,
    template: 'ima-ng',
    templateDigest: digest,
    digest,
    filenameHint,
    status: 'known',
    receivedAt,
    ...changes,
  };
}

/** A page that shows the entries 3, 2, 1. */
function page(): QueryClient {
  const client = new QueryClient();
  client.setQueryData(measurementsQuery(HOST).queryKey, [measurement(3), measurement(2), measurement(1)]);
  return client;
}

function hear(client: QueryClient, measurements: Measurement[]): void {
  applyEvent(client, { type: 'measurements', hostId: HOST, measurements });
}

const rows = (client: QueryClient) => client.getQueryData(measurementsQuery(HOST).queryKey) ?? [];
const isOld = (client: QueryClient) => client.getQueryState(measurementsQuery(HOST).queryKey)?.isInvalidated;

test('entries that follow go on top, and only they have arrived', () => {
  const client = page();
  assert.deepEqual(
    arrivalsOf(client, HOST, [measurement(3), measurement(4)]).map((row) => row.entry),
    [4],
  );
  hear(client, [measurement(4), measurement(5)]);
  assert.deepEqual(
    rows(client).map((row) => row.entry),
    [5, 4, 3, 2, 1],
  );
  assert.equal(isOld(client), false);
});

test('an entry that was judged anew replaces itself', () => {
  const client = page();
  hear(client, [measurement(2, { status: 'unknown' })]);
  assert.deepEqual(
    rows(client).map((row) => row.status),
    ['known', 'unknown', 'known'],
  );
});

test('entries that leave a gap have the list read again', () => {
  const client = page();
  hear(client, [measurement(7)]);
  assert.equal(isOld(client), true);
});

test('entries of another boot have the list read again', () => {
  const client = page();
  hear(client, [measurement(1, { templateDigest: `sha256:${'f'.repeat(64)}` })]);
  assert.equal(isOld(client), true);
});

test('an event for a list that is not shown changes nothing', () => {
  const client = new QueryClient();
  hear(client, [measurement(1)]);
  assert.deepEqual(rows(client), []);
});
