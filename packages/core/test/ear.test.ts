import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  appraise,
  CLAIMS,
  DEFAULT_REQUIREMENTS,
  EAR_PROFILES,
  earClaims,
  parseRequirement,
  readResult,
  TIERS,
  tierOf,
  unmetRequirements,
  type AppraisalFacts,
  type AttestationResult,
  type EarProfile,
  type Requirement,
} from '@assay/core/ear';
import { FINDING_CODES, type FindingCode } from '@assay/core/errors';
import type { OpenFinding } from '@assay/core/verdict';
import fc from 'fast-check';

const FACTS: AppraisalFacts = {
  verdict: 'trusted',
  endorsed: true,
  openFindings: [],
  reference: 'reference:web-01/v3',
};

function finding(code: FindingCode, severity: OpenFinding['severity'] = 'failed'): OpenFinding {
  return { code, severity, sentence: code };
}

function resultOf(facts: AppraisalFacts): AttestationResult {
  return {
    issuedAt: 1_790_000_000,
    expiresAt: 1_790_000_030,
    verifier: { developer: 'tag:assay,2026', build: 'verifier 0.1.0' },
    nonce: 'AAECAwQFBgc',
    appraisals: appraise(facts),
    host: { name: 'web-01' },
  };
}

describe('tiers of claims', () => {
  // draft-ietf-rats-ar4si, section 2.3.2, at every border.
  const borders: readonly [number, string][] = [
    [-128, 'contraindicated'],
    [-97, 'contraindicated'],
    [-96, 'warning'],
    [-33, 'warning'],
    [-32, 'affirming'],
    [-2, 'affirming'],
    [-1, 'none'],
    [0, 'none'],
    [1, 'none'],
    [2, 'affirming'],
    [31, 'affirming'],
    [32, 'warning'],
    [95, 'warning'],
    [96, 'contraindicated'],
    [127, 'contraindicated'],
  ];
  for (const [value, tier] of borders) {
    test(`the value ${value} is ${tier}`, () => assert.equal(tierOf(value), tier));
  }
});

describe('a verdict in the words of AR4SI', () => {
  test('affirms the programs of a trusted host, and the instance where a certificate stands behind its key', () => {
    assert.deepEqual(appraise(FACTS), {
      platform: { status: 'affirming', vector: { 'instance-identity': 2 } },
      'linux-ima': { status: 'affirming', vector: { executables: 2 }, policyIds: ['reference:web-01/v3'] },
    });
  });

  test('makes no claim of an instance that was trusted on first use', () => {
    assert.deepEqual(appraise({ ...FACTS, endorsed: false }).platform, {
      status: 'none',
      vector: { 'instance-identity': 0 },
    });
  });

  for (const verdict of ['stale', 'pending', 'unverified'] as const) {
    test(`makes no claim of what a host ran that is ${verdict}`, () => {
      const { status, vector } = appraise({ ...FACTS, verdict, reference: null })['linux-ima'];
      assert.deepEqual({ status, vector }, { status: 'none', vector: { executables: 0 } });
    });
  }

  test('says 99 in every claim when the evidence itself does not hold', () => {
    for (const code of ['QUOTE-SIGNATURE', 'QUOTE-NONCE', 'IMA-REPLAY'] as const) {
      const { platform, 'linux-ima': list } = appraise({ ...FACTS, verdict: 'failed', openFindings: [finding(code)] });
      assert.deepEqual([platform.vector, list.vector], [{ 'instance-identity': 99 }, { executables: 99 }]);
    }
  });

  test('says 33 of a program that is not recognized, and 96 where that failed the host or another took its place', () => {
    const executables = (code: FindingCode, severity: OpenFinding['severity']): number | undefined =>
      appraise({ ...FACTS, verdict: severity, openFindings: [finding(code, severity)] })['linux-ima'].vector
        .executables;
    assert.equal(executables('IMA-UNKNOWN-DIGEST', 'warning'), 33);
    assert.equal(executables('IMA-UNKNOWN-DIGEST', 'failed'), 96);
    assert.equal(executables('IMA-DIGEST-CHANGED', 'failed'), 96);
    assert.equal(executables('IMA-VIOLATION-TOMTOU', 'warning'), 33);
    assert.equal(executables('IMA-LOG-GAP', 'failed'), 99);
  });

  test('keeps the worst of what several findings say in one claim', () => {
    const openFindings = [finding('IMA-LOG-SHORT'), finding('IMA-DENIED-DIGEST'), finding('ENGINE-GAP', 'warning')];
    assert.equal(appraise({ ...FACTS, verdict: 'failed', openFindings })['linux-ima'].vector.executables, 99);
  });

  test('never affirms a host with a finding, whatever its code', () => {
    for (const code of Object.keys(FINDING_CODES) as FindingCode[]) {
      for (const severity of ['warning', 'failed'] as const) {
        const appraisals = Object.values(
          appraise({ ...FACTS, verdict: severity, openFindings: [finding(code, severity)] }),
        );
        const claims = { status: 'none' as const, appraisals: new Map(Object.entries(appraisals)) };
        assert.notEqual(unmetRequirements(claims, DEFAULT_REQUIREMENTS.map(requirement)).length, 0, code);
      }
    }
  });
});

function requirement(text: string): Requirement {
  const parsed = parseRequirement(text);
  assert.ok(parsed, text);
  return parsed;
}

const PROFILES = Object.keys(EAR_PROFILES) as EarProfile[];

describe('claims of a result', () => {
  test('are those of draft-ietf-rats-ear-03', () => {
    assert.deepEqual(earClaims(resultOf(FACTS), 'ietf'), {
      eat_profile: 'tag:ietf.org,2026:rats/ear#03',
      iat: 1_790_000_000,
      exp: 1_790_000_030,
      eat_nonce: 'AAECAwQFBgc',
      ear_status: 'affirming',
      ear_verifier_id: { developer: 'tag:assay,2026', build: 'verifier 0.1.0' },
      submods: {
        platform: { ear_status: 'affirming', ear_trustworthiness_vector: { 'instance-identity': 2 } },
        'linux-ima': {
          ear_status: 'affirming',
          ear_trustworthiness_vector: { executables: 2 },
          ear_appraisal_policy_ids: ['reference:web-01/v3'],
        },
      },
      'tag:assay,2026:host': { name: 'web-01' },
    });
  });

  test("are under Veraison's names in its profile, with one policy as a text", () => {
    const claims = earClaims(resultOf(FACTS), 'veraison');
    assert.deepEqual(claims['submods'], {
      platform: { 'ear.status': 'affirming', 'ear.trustworthiness-vector': { 'instance-identity': 2 } },
      'linux-ima': {
        'ear.status': 'affirming',
        'ear.trustworthiness-vector': { executables: 2 },
        'ear.appraisal-policy-id': 'reference:web-01/v3',
      },
    });
    assert.deepEqual(claims['ear.verifier-id'], { developer: 'tag:assay,2026', build: 'verifier 0.1.0' });
  });

  for (const profile of PROFILES) {
    test(`written in the profile ${profile} are read as they were`, () => {
      const codes = fc.constantFrom(...(Object.keys(FINDING_CODES) as FindingCode[]));
      const severities = fc.constantFrom('warning' as const, 'failed' as const);
      fc.assert(
        fc.property(fc.array(fc.tuple(codes, severities), { maxLength: 5 }), fc.boolean(), (drafts, endorsed) => {
          const openFindings = drafts.map(([code, severity]) => finding(code, severity));
          const result = resultOf({ ...FACTS, endorsed, openFindings });
          const parsed = readResult(JSON.parse(JSON.stringify(earClaims(result, profile))));
          assert.deepEqual(Object.fromEntries(parsed.appraisals), result.appraisals);
          assert.deepEqual([parsed.issuedAt, parsed.expiresAt], [result.issuedAt, result.expiresAt]);
          assert.deepEqual([parsed.nonces, parsed.host], [[result.nonce], result.host]);
        }),
      );
    });
  }

  test("of another verifier are read: the draft's own example", () => {
    const parsed = readResult({
      eat_profile: 'tag:ietf.org,2026:rats/ear#03',
      iat: 1_666_529_184,
      ear_verifier_id: { developer: 'https://veraison-project.org', build: 'vts 0.0.1' },
      ear_raw_evidence: 'NzQ3MjY5NzM2NTYzNzQK',
      submods: {
        PSA: {
          ear_status: 'contraindicated',
          ear_trustworthiness_vector: { 'instance-identity': 2, executables: 96, hardware: 2 },
          ear_appraisal_policy_ids: ['https://veraison.example/policy/1/60a0068d'],
        },
      },
    });
    assert.equal(parsed.status, 'contraindicated');
    assert.deepEqual(parsed.appraisals.get('PSA')?.vector, { 'instance-identity': 2, executables: 96, hardware: 2 });
  });
});

describe('claims that are not of the form of the draft are refused', () => {
  const good = (): Record<string, unknown> => structuredClone(earClaims(resultOf(FACTS), 'ietf'));
  const submod = (change: Record<string, unknown>): Record<string, unknown> => ({
    ...good(),
    submods: { x: { ear_status: 'affirming', ear_trustworthiness_vector: { executables: 2 }, ...change } },
  });
  const bad: readonly [string, unknown][] = [
    ['no object', []],
    ['null', null],
    ['an unknown profile', { ...good(), eat_profile: 'tag:ietf.org,2026:rats/ear#99' }],
    ['no profile', { ...good(), eat_profile: undefined }],
    ['a time in floating point', { ...good(), iat: 1.5 }],
    ['a time as text', { ...good(), iat: '1790000000' }],
    ['a negative time', { ...good(), exp: -1 }],
    ['an end that is no number', { ...good(), exp: Number.NaN }],
    ['no submods', { ...good(), submods: {} }],
    ['submods that are a list', { ...good(), submods: [] }],
    ['65 submods', { ...good(), submods: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`s${i}`, {}])) }],
    ['an unknown status', submod({ ear_status: 'fine' })],
    ['a status of the prototype', submod({ ear_status: 'constructor' })],
    ['a status that is better than its worst claim', submod({ ear_trustworthiness_vector: { executables: 33 } })],
    ['a claim beyond a byte', submod({ ear_trustworthiness_vector: { executables: 128 } })],
    ['a claim that is a fraction', submod({ ear_trustworthiness_vector: { executables: 2.5 } })],
    ['an empty list of policies', submod({ ear_appraisal_policy_ids: [] })],
    ['a policy that is no text', submod({ ear_appraisal_policy_ids: [1] })],
    ['a nonce of 7 bytes', { ...good(), eat_nonce: 'AAECAwQFBg' }],
    ['a nonce of 65 bytes', { ...good(), eat_nonce: 'A'.repeat(87) }],
    ['a nonce of another alphabet', { ...good(), eat_nonce: 'AAECAwQ+/gc' }],
    ['no verifier', { ...good(), ear_verifier_id: undefined }],
    ['a verifier without a build', { ...good(), ear_verifier_id: { developer: 'x' } }],
    ['names of the other dialect', { ...good(), eat_profile: EAR_PROFILES.veraison }],
  ];
  for (const [what, claims] of bad) {
    test(what, () => assert.throws(() => readResult(claims), { name: 'FormatError', code: 'TOKEN-FORM' }));
  }

  test('and no text of JSON makes it throw anything else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(good())), (value, name) => {
        try {
          readResult({ ...good(), [name]: value });
        } catch (error) {
          assert.ok(error instanceof Error && error.name === 'FormatError', String(error));
        }
      }),
    );
  });
});

describe('requirements', () => {
  const parsed = readResult(
    earClaims(
      resultOf({ ...FACTS, verdict: 'warning', openFindings: [finding('IMA-UNKNOWN-DIGEST', 'warning')] }),
      'ietf',
    ),
  );
  const unmet = (text: string): boolean => unmetRequirements(parsed, [requirement(text)]).length > 0;

  test('are met by what a result says, and by nothing that it does not say', () => {
    assert.equal(unmet('executables<=33'), false);
    assert.equal(unmet('executables<=3'), true);
    assert.equal(unmet('executables=warning'), false);
    assert.equal(unmet('linux-ima/executables<=33'), false);
    assert.equal(unmet('platform/executables<=33'), true);
    assert.equal(unmet('status=warning'), false);
    assert.equal(unmet('platform/status=affirming'), false);
    assert.equal(unmet('nobody/status=none'), true);
    assert.equal(unmet('hardware<=127'), true);
  });

  test('are not met by the values that say nothing, small as they are', () => {
    const silent = readResult(earClaims(resultOf({ ...FACTS, verdict: 'stale' }), 'ietf'));
    assert.deepEqual(unmetRequirements(silent, [requirement('executables<=127')]), [
      { requirement: 'executables<=127', found: '0 (none)' },
    ]);
  });

  for (const text of [
    '',
    'executables',
    'executables<=1',
    'executables<=128',
    'executables=2',
    'status<=3',
    'x=none',
    'executables<2',
    'status=fine',
    'a b/status=none',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(parseRequirement(text), undefined));
  }

  test('may name every claim and every tier', () => {
    for (const claim of CLAIMS) for (const tier of TIERS) requirement(`${claim}=${tier}`);
  });
});
