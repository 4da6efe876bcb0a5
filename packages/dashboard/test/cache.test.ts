import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetEvent, HostLine, Measurement } from '@assay/wire';
import { QueryClient } from '@tanstack/react-query';
import { applyEvent, HeardLines, withNewer } from '../src/api/cache.ts';
import { findingsQuery, hostLinesQuery, hostQuery, measurementsQuery } from '../src/api/queries.ts';

const AT = '2026-09-01T12:00:00.000Z';

function measurement(entry: number): Measurement {
  const digest = `sha256:${entry.toString(16).padStart(64, '0')}`;
  const filenameHint = `/usr/bin/program-${entry}`;
  const record = { pcr: 10, template: 'ima-ng', templateDigest: digest, digest, filenameHint };
  return { entry, ...record, status: 'known', receivedAt: AT };
}

function line(name: string, changes: Partial<HostLine> = {}): HostLine {
  return {
    id: Buffer.from(name.padEnd(8, '.')).toString('hex'),
    name,
    verdict: 'trusted',
    verdictSince: AT,
    evidenceAt: AT,
    tpm: { kind: 'simulated', trust: 'first-use' },
    source: 'simulated',
    kernel: '6.12.0',
    labels: {},
    boot: 1,
    entries: 3,
    violations: 0,
    reference: { policy: null, version: 1 },
    findings: { failed: 0, warning: 0, code: null },
    ...changes,
  };
}

const KEYS = {
  detail: hostQuery('web-03').queryKey,
  findings: findingsQuery('web-03').queryKey,
  list: measurementsQuery('web-03').queryKey,
};

/** A page that shows web-03, whose first line was heard already. */
function page(): { client: QueryClient; hear: (event: Partial<FleetEvent>) => void } {
  const client = new QueryClient();
  const heard = new HeardLines();
  client.setQueryData(hostLinesQuery.queryKey, { staleAfterSeconds: 30, hosts: [line('web-02'), line('web-03')] });
  // A query that exists is one that the page shows.
  client.getQueryCache().build(client, { queryKey: KEYS.detail });
  client.setQueryData(KEYS.findings, []);
  client.setQueryData(KEYS.list, [measurement(3), measurement(2), measurement(1)]);
  const hear = (event: Partial<FleetEvent>): void => {
    applyEvent(client, heard, { type: 'fleet', hosts: [], gone: [], findingsOf: [], enrolments: [], ...event });
  };
  hear({ hosts: [line('web-03')] });
  return { client, hear };
}

const isOld = (client: QueryClient, key: readonly unknown[]): boolean =>
  client.getQueryState(key)?.isInvalidated ?? false;

const names = (client: QueryClient): string[] =>
  client.getQueryData(hostLinesQuery.queryKey)?.hosts.map(({ name }) => name) ?? [];

test('lines replace those of their hosts, and new hosts find their place by name', () => {
  const { client, hear } = page();
  hear({ hosts: [line('web-03', { verdict: 'failed' }), line('db-01')] });
  assert.deepEqual(names(client), ['db-01', 'web-02', 'web-03']);
  assert.equal(client.getQueryData(hostLinesQuery.queryKey)?.hosts[2]?.verdict, 'failed');
});

test('hosts that were removed are shown no more', () => {
  const { client, hear } = page();
  hear({ gone: [line('web-02').id] });
  assert.deepEqual(names(client), ['web-03']);
});

test('new evidence and nothing else has nothing read again', () => {
  const { client, hear } = page();
  hear({ hosts: [line('web-03', { evidenceAt: '2026-09-01T12:00:10.000Z' })] });
  assert.deepEqual(
    [KEYS.detail, KEYS.findings, KEYS.list].map((key) => isOld(client, key)),
    [false, false, false],
  );
});

test('another verdict has the host read again, and neither its findings nor its list', () => {
  const { client, hear } = page();
  hear({ hosts: [line('web-03', { verdict: 'warning' })] });
  assert.deepEqual(
    [KEYS.detail, KEYS.findings, KEYS.list].map((key) => isOld(client, key)),
    [true, false, false],
  );
});

test('findings that changed are read again, whether or not their number did', () => {
  for (const event of [
    { hosts: [line('web-03')], findingsOf: [line('web-03').id] },
    { hosts: [line('web-03', { findings: { failed: 1, warning: 0, code: 'IMA-UNKNOWN-DIGEST' } })] },
  ]) {
    const { client, hear } = page();
    hear(event);
    assert.equal(isOld(client, KEYS.findings), true);
  }
});

test('enrolments that changed are read again, and no host for them', () => {
  const { client, hear } = page();
  const key = ['enrolments', 'pending'];
  client.setQueryData(key, []);
  hear({ hosts: [line('web-02')], findingsOf: [] });
  assert.equal(isOld(client, key), false);
  hear({ enrolments: ['E-7'] });
  assert.deepEqual([isOld(client, key), isOld(client, KEYS.detail)], [true, false]);
});

test('a reboot and other reference values have the list read again', () => {
  for (const changes of [{ boot: 2, entries: 1 }, { reference: { policy: 'base', version: 1 } }]) {
    const { client, hear } = page();
    hear({ hosts: [line('web-03', changes)] });
    assert.equal(isOld(client, KEYS.list), true);
  }
});

test('a host that nobody looks at has nothing asked', () => {
  const { client, hear } = page();
  hear({ hosts: [line('web-02', { boot: 9, verdict: 'failed' })], findingsOf: [line('web-02').id] });
  assert.equal(client.getQueryState(hostQuery('web-02').queryKey), undefined);
  assert.equal(isOld(client, KEYS.detail), false);
});

test('entries that follow go on top, each once', () => {
  const rows = withNewer([measurement(3), measurement(2)], [measurement(3), measurement(4), measurement(5)]);
  assert.deepEqual(
    rows.map(({ entry }) => entry),
    [5, 4, 3, 2],
  );
});
