import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostSummary, type Verdict } from '@assay/wire';
import { destination } from '../src/state/row-cursor.ts';
import { withAddress } from '../src/text/shell.ts';
import { spanWords } from '../src/text/time.ts';
import { shownVerdict } from '../src/text/verdict.ts';

const EVIDENCE_AT = '2026-09-01T12:00:00.000Z';

function host(verdict: Verdict, evidenceAt: string | null = EVIDENCE_AT): HostSummary {
  return HostSummary.parse({
    id: '00112233445566aa',
    name: 'web-03',
    verdict,
    sentence: 'As the verifier said.',
    verdictSince: EVIDENCE_AT,
    evidenceAt,
    staleAfterSeconds: 30,
    enrolledAt: EVIDENCE_AT,
    tpm: { kind: 'simulated', trust: 'first-use' },
    list: { source: 'simulated', entries: 1, violations: 0 },
    reference: null,
    openFindings: 0,
  });
}

const after = (seconds: number): number => Date.parse(EVIDENCE_AT) + seconds * 1000;

test('fresh evidence is shown with the verdict of the verifier', () => {
  assert.equal(shownVerdict(host('trusted'), after(30)).verdict, 'trusted');
});

test('a verdict that rests on fresh evidence is shown stale when the evidence is old', () => {
  for (const verdict of ['trusted', 'warning', 'unverified'] as const) {
    assert.equal(shownVerdict(host(verdict), after(31)).verdict, 'stale');
  }
});

test('old evidence does not hide a failure, and no evidence is not old', () => {
  assert.equal(shownVerdict(host('failed'), after(3600)).verdict, 'failed');
  assert.equal(shownVerdict(host('pending', null), after(3600)).verdict, 'pending');
});

test('spans are told in their largest unit', () => {
  const SECOND = 1000;
  const spans = [-5, 0, 59, 60, 3599, 3600, 2 * 86_400 - 1, 2 * 86_400];
  assert.deepEqual(
    spans.map((seconds) => spanWords(seconds * SECOND)),
    ['0 s', '0 s', '59 s', '1 min', '59 min', '1 h', '47 h', '2 days'],
  );
});

test('keys move the cursor within the list and never out of it', () => {
  assert.equal(destination('ArrowDown', 9, 9), 9);
  assert.equal(destination('ArrowUp', 0, 9), 0);
  assert.equal(destination('PageDown', 3, 9), 9);
  assert.equal(destination('Home', 5, 9), 0);
  assert.equal(destination('End', 5, 9), 9);
  assert.equal(destination('a', 5, 9), null);
});

test('a command that asks a verifier is given the address of this one, and no other command', () => {
  const given = (command: string): string => withAddress(command, 'http://10.0.0.5:8080');
  for (const [before, after] of [
    ['assay hosts get', ''],
    ['assay findings approve', ' F-1'],
    ['assay reference capture', ' --host web-01'],
    ['assay verifier token create', ' --name me'],
  ] as const)
    assert.equal(given(before + after), `${before} --url http://10.0.0.5:8080${after}`);
  for (const local of [
    'assay doctor',
    'assay reference build --name web',
    'assay verifier serve --port 1',
    'ls -l /tmp/x',
  ])
    assert.equal(given(local), local);
  assert.equal(withAddress('assay hosts get', 'http://127.0.0.1:4620'), 'assay hosts get');
});
