import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FINDING_CODES, type FindingCode } from '@assay/core/errors';
import {
  isStale,
  ladderOf,
  severityOf,
  verdictOf,
  type LadderFacts,
  type OpenFinding,
  type RungName,
  type Verdict,
  type VerdictFacts,
} from '@assay/core/verdict';

const NOW = new Date('2026-09-01T12:00:00Z');
const secondsAgo = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const finding = (severity: OpenFinding['severity'], sentence = `${severity}.`): OpenFinding => ({
  code: severity === 'failed' ? 'IMA-UNKNOWN-DIGEST' : 'ENGINE-GAP',
  severity,
  sentence,
});

const GOOD: VerdictFacts = {
  now: NOW,
  evidenceAt: secondsAgo(1),
  staleAfterSeconds: 30,
  entries: 12,
  reference: { version: 3 },
  openFindings: [],
};

describe('the verdict', () => {
  const rows: readonly (readonly [string, Partial<VerdictFacts>, Verdict, RegExp])[] = [
    ['of a host with all that it needs', {}, 'trusted', /\(12 entries\) is in reference values version 3\.$/],
    ['of one entry', { entries: 1 }, 'trusted', /\(1 entry\)/],
    ['before the first evidence', { evidenceAt: null }, 'pending', /no evidence has come yet/],
    ['before the first evidence, though values exist', { evidenceAt: null, reference: { version: 1 } }, 'pending', /./],
    ['of old evidence', { evidenceAt: secondsAgo(31) }, 'stale', /since 2026-09-01T11:59:29\.000Z\.$/],
    ['of evidence at the limit', { evidenceAt: secondsAgo(30) }, 'trusted', /./],
    ['without reference values', { reference: null }, 'unverified', /^12 entries .* no reference values/],
    ['of an empty list', { entries: 0 }, 'unverified', /nothing is measured/],
    ['of an empty list without reference values', { entries: 0, reference: null }, 'unverified', /nothing is measured/],
    ['with a warning', { openFindings: [finding('warning')] }, 'warning', /^warning\.$/],
    ['with a failure', { openFindings: [finding('failed')] }, 'failed', /^failed\.$/],
    [
      'with a warning before a failure',
      { openFindings: [finding('warning'), finding('failed'), finding('failed', 'other.')] },
      'failed',
      /^failed \(and 1 more finding\)\.$/,
    ],
    [
      'with three warnings',
      { openFindings: [finding('warning'), finding('warning'), finding('warning')] },
      'warning',
      /^warning \(and 2 more findings\)\.$/,
    ],
    [
      'of a failed host that fell silent',
      { evidenceAt: secondsAgo(99), openFindings: [finding('failed')] },
      'failed',
      /./,
    ],
    ['of a failed host without evidence', { evidenceAt: null, openFindings: [finding('failed')] }, 'failed', /./],
    [
      'of a warned host that fell silent',
      { evidenceAt: secondsAgo(99), openFindings: [finding('warning')] },
      'stale',
      /./,
    ],
    [
      'with a warning, without reference values',
      { reference: null, openFindings: [finding('warning')] },
      'warning',
      /./,
    ],
    ['of old evidence, without reference values', { evidenceAt: secondsAgo(99), reference: null }, 'stale', /./],
  ];
  for (const [name, change, verdict, sentence] of rows) {
    test(`${name} is ${verdict}`, () => {
      const given = verdictOf({ ...GOOD, ...change });
      assert.equal(given.verdict, verdict);
      assert.match(given.sentence, sentence);
    });
  }

  test('is trusted only with fresh evidence of entries, reference values, and nothing found', () => {
    const facts = fc.record({
      now: fc.constant(NOW),
      evidenceAt: fc.option(fc.integer({ min: 0, max: 100 }).map(secondsAgo)),
      staleAfterSeconds: fc.integer({ min: 1, max: 60 }),
      entries: fc.nat(3),
      reference: fc.option(fc.constant({ version: 1 })),
      openFindings: fc.array(
        fc.constantFrom('warning' as const, 'failed' as const).map((s) => finding(s)),
        { maxLength: 2 },
      ),
    });
    fc.assert(
      fc.property(facts, (each) => {
        const good =
          each.evidenceAt !== null &&
          NOW.getTime() - each.evidenceAt.getTime() <= each.staleAfterSeconds * 1000 &&
          each.entries > 0 &&
          each.reference !== null &&
          each.openFindings.length === 0;
        return (verdictOf(each).verdict === 'trusted') === good;
      }),
      { numRuns: 1000 },
    );
  });

  test('calls evidence that never came old', () => {
    assert.equal(isStale({ now: NOW, evidenceAt: null, staleAfterSeconds: 1e6 }), true);
  });
});

const FACTS: LadderFacts = {
  tpmKind: 'hardware',
  ekDigest: 'aa',
  akName: '000bbb',
  akSince: NOW,
  akRenewal: null,
  akCertificate: null,
  enrolledAt: NOW,
  endorsement: null,
  admission: null,
  quote: { at: NOW, resetCount: 1, restartCount: 2, clock: 3n, pcr: 'cc' },
  stale: false,
  entries: 12,
  violations: 0,
  reference: { version: 1, digests: 9, capturedAt: NOW },
  authority: {
    kind: 'policy',
    name: 'web',
    digest: 'sha256:dd',
    signer: 'release',
    key: 'sha256:ee',
    pushed: { by: 'ann', at: NOW },
    activated: { by: 'bob', at: NOW },
  },
  openFindings: [],
};
const states = (facts: LadderFacts): Record<string, string> =>
  Object.fromEntries(ladderOf(facts).map(({ rung, state }) => [rung, state]));
const ALL_OK = { ek: 'warning', ak: 'ok', quote: 'ok', pcr: 'ok', list: 'ok', reference: 'ok', signer: 'ok' };

describe('the ladder', () => {
  test('has seven rungs from the endorsement key to the signer of the reference values', () => {
    assert.deepEqual(
      ladderOf(FACTS).map(({ rung }) => rung),
      ['ek', 'ak', 'quote', 'pcr', 'list', 'reference', 'signer'],
    );
    assert.deepEqual(states(FACTS), ALL_OK);
  });

  test('says of every TPM kind that its key was trusted on first use, and no more without a certificate', () => {
    for (const tpmKind of ['hardware', 'software', 'simulated'] as const) {
      assert.equal(states({ ...FACTS, tpmKind })['ek'], 'warning');
    }
  });

  test('is green on its lowest rung with a certificate that verified, and names who vouches for which TPM', () => {
    const endorsement = { authority: 'CN=Root', maker: 'IFX', model: 'SLB9670' };
    const [ek] = ladderOf({ ...FACTS, endorsement });
    assert.equal(ek?.state, 'ok');
    assert.deepEqual(ek?.facts.slice(2), [
      { label: 'TPM', value: 'IFX SLB9670' },
      { label: 'Authority', value: 'CN=Root' },
    ]);
    const [unnamed] = ladderOf({ ...FACTS, endorsement: { authority: 'CN=Root' } });
    assert.deepEqual(unnamed?.facts.slice(2), [{ label: 'Authority', value: 'CN=Root' }]);
  });

  test('says on its lowest rung who let a key in, and is green there only for a key that was known before', () => {
    const admission = { by: 'me', at: new Date('2026-09-01T00:00:00Z') };
    const states = (['registered', 'approved'] as const).map((how) => {
      const [ek] = ladderOf({ ...FACTS, tpmKind: 'hardware', admission: { ...admission, how } });
      assert.equal(ek?.facts[2]?.value, '2026-09-01T00:00:00.000Z by me');
      return ek.state;
    });
    assert.deepEqual(states, ['ok', 'warning']);
    const [simulated] = ladderOf({ ...FACTS, tpmKind: 'simulated', admission: { ...admission, how: 'registered' } });
    assert.equal(simulated?.state, 'warning');
  });

  test('waits on every rung that needs evidence before the first quote', () => {
    const waiting = { quote: 'waiting', pcr: 'waiting', list: 'waiting', reference: 'waiting' };
    assert.deepEqual(states({ ...FACTS, quote: null }), { ...ALL_OK, ...waiting });
  });

  test('waits for reference values, and says that nothing tells what is good', () => {
    assert.equal(states({ ...FACTS, reference: null })['reference'], 'waiting');
  });

  test('names on its highest rung who signed what is in force by which key, who pushed it and who activated it', () => {
    const signer = ladderOf(FACTS).at(-1);
    const at = NOW.toISOString();
    assert.deepEqual(signer?.facts, [
      { label: 'Signed by', value: 'release' },
      { label: 'Key', value: 'sha256:ee' },
      { label: 'Digest of what is in force', value: 'sha256:dd' },
      { label: 'Pushed', value: `${at} by ann` },
      { label: 'Activated', value: `${at} by bob` },
    ]);
  });

  test('is weak on its highest rung where nobody signed, and waits there without reference values', () => {
    const { authority } = FACTS;
    assert.ok(authority?.kind === 'policy');
    const unsigned = ladderOf({ ...FACTS, authority: { ...authority, signer: null, key: null } }).at(-1);
    assert.equal(unsigned?.state, 'warning');
    assert.deepEqual(
      unsigned.facts.map(({ label }) => label),
      ['Digest of what is in force', 'Pushed', 'Activated'],
    );
    const captured = ladderOf({ ...FACTS, authority: { kind: 'captured', by: 'ann' } }).at(-1);
    assert.deepEqual([captured?.state, captured?.facts], ['warning', [{ label: 'Captured by', value: 'ann' }]]);
    assert.equal(ladderOf({ ...FACTS, reference: null, authority: null }).at(-1)?.state, 'waiting');
  });

  test('warns of an old quote', () => {
    assert.equal(states({ ...FACTS, stale: true })['quote'], 'warning');
  });

  test('does not call an empty list good', () => {
    const empty = states({ ...FACTS, entries: 0 });
    assert.deepEqual([empty['pcr'], empty['list'], empty['reference']], ['warning', 'waiting', 'waiting']);
  });

  const rungs: Readonly<Record<FindingCode, RungName>> = {
    'EK-UNTRUSTED': 'ek',
    'EK-CERTIFICATE': 'ek',
    'AK-CERTIFICATE': 'ak',
    'CERT-CHAIN': 'ek',
    'CERT-SIGNATURE': 'ek',
    'CERT-VALIDITY': 'ek',
    'CERT-AUTHORITY': 'ek',
    'CERT-EXTENSION': 'ek',
    'CERT-NAME': 'ek',
    'CERT-USE': 'ek',
    'CERT-ALGORITHM': 'ek',
    'HOST-DUPLICATE': 'ek',
    'EK-DUPLICATE': 'ek',
    'AK-ATTRIBUTES': 'ak',
    'AK-UNKNOWN': 'ak',
    'QUOTE-SIGNATURE': 'quote',
    'QUOTE-NONCE': 'quote',
    'TOKEN-SIGNATURE': 'quote',
    'TOKEN-KEY-UNKNOWN': 'quote',
    'TOKEN-EXPIRED': 'quote',
    'TOKEN-NONCE': 'quote',
    'TOKEN-REQUIREMENT': 'quote',
    'QUOTE-MAGIC': 'quote',
    'QUOTE-SELECTION': 'quote',
    'QUOTE-PCR-DIGEST': 'quote',
    'QUOTE-CLOCK-BACK': 'quote',
    'ATTEST-SUBJECT': 'quote',
    'EVIDENCE-FORMAT': 'quote',
    'HOST-STALE': 'quote',
    'TPM-FIRMWARE-CHANGED': 'ek',
    'IMA-REPLAY': 'pcr',
    'IMA-TEMPLATE-DIGEST': 'list',
    'IMA-TEMPLATE-UNKNOWN': 'list',
    'IMA-LOG-SHORT': 'list',
    'IMA-LOG-TRIMMED': 'list',
    'IMA-ARCHIVE': 'list',
    'IMA-LOG-GAP': 'list',
    'IMA-VIOLATION-TOMTOU': 'list',
    'BOOT-EVENTLOG': 'pcr',
    'BOOT-AGGREGATE': 'list',
    'BOOT-SECUREBOOT': 'pcr',
    'BOOT-COMMAND-LINE': 'pcr',
    'ENGINE-GAP': 'list',
    'IMA-UNKNOWN-DIGEST': 'reference',
    'IMA-DIGEST-CHANGED': 'reference',
    'IMA-HASH-INVALID': 'reference',
    'IMA-SIG-INVALID': 'reference',
    'IMA-SIG-KEY-UNKNOWN': 'reference',
    'EVM-INVALID': 'reference',
    'EVM-KEY-INVALID': 'reference',
    'LABEL-MISSING': 'reference',
    'BASELINE-DIGEST': 'reference',
    'BASELINE-SIGNATURE': 'reference',
    'VERITY-DISABLED': 'reference',
    'MODSIG-ATTRIBUTES': 'reference',
    'IMA-DENIED-DIGEST': 'reference',
    'IMA-KEYRING-CHANGED': 'reference',
    'IMA-POLICY-CHANGED': 'reference',
    'POLICY-SIGNATURE': 'signer',
    'POLICY-ROLLBACK': 'signer',
    'POLICY-EXPIRED': 'reference',
  };
  for (const [code, rung] of Object.entries(rungs) as [FindingCode, RungName][]) {
    test(`shows ${code} on the rung ${rung}, and on no other`, () => {
      const severity = severityOf(code);
      const openFindings = [{ code, severity, sentence: 'What was found.' }];
      assert.deepEqual(states({ ...FACTS, openFindings }), { ...ALL_OK, [rung]: severity });
      assert.equal(
        ladderOf({ ...FACTS, openFindings }).find((each) => each.rung === rung)?.sentence,
        'What was found.',
      );
    });
  }

  test('has a rung for every finding code', () => {
    assert.deepEqual(Object.keys(rungs).toSorted(), Object.keys(FINDING_CODES).toSorted());
  });

  test('shows the failure where a rung has warnings too, and the newest of several', () => {
    const openFindings: OpenFinding[] = [
      { code: 'ENGINE-GAP', severity: 'warning', sentence: 'warned' },
      { code: 'BOOT-AGGREGATE', severity: 'failed', sentence: 'failed last' },
      { code: 'IMA-LOG-SHORT', severity: 'failed', sentence: 'failed before' },
    ];
    const list = ladderOf({ ...FACTS, openFindings }).find(({ rung }) => rung === 'list');
    assert.deepEqual([list?.state, list?.sentence], ['failed', 'failed last']);
  });
});
