import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostLine } from '../src/fleet.ts';
import { hostsWanted, type HostFilter } from '../src/host-filter.ts';

const NOW = Date.parse('2026-09-01T12:00:00Z');

/** A host whose newest evidence is so many seconds old; null for one that sent none. */
const line = (age: number | null): HostLine =>
  HostLine.parse({
    id: '00112233445566aa',
    name: `age-${age}`,
    verdict: age === null ? 'pending' : 'trusted',
    verdictSince: '2026-09-01T10:00:00Z',
    evidenceAt: age === null ? null : new Date(NOW - age * 1000).toISOString(),
    tpm: { kind: 'simulated', trust: 'first-use' },
    source: 'simulated',
    kernel: '6.12',
    labels: {},
    boot: null,
    entries: 0,
    violations: 0,
    reference: null,
    findings: { failed: 0, warning: 0, code: null },
  });

test('ages of evidence that follow on each other hold each host once, and one without evidence is of none', () => {
  const hosts = [0, 7.5, 8, 15, null].map(line);
  const names = (filter: HostFilter): string[] => hostsWanted(hosts, filter, NOW).map(({ name }) => name);
  assert.deepEqual(names({ maxAge: 7.5 }), ['age-0', 'age-7.5']);
  assert.deepEqual(names({ minAge: 7.5, maxAge: 15 }), ['age-8', 'age-15']);
  assert.deepEqual(names({ minAge: 15 }), []);
  assert.equal(names({}).length, 5);
});
