import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ActivateRequest,
  CaptureRequest,
  Challenge,
  EnrolRequest,
  EvidenceMessage,
  EvidenceReply,
  Finding,
  HostFacts,
  HostSummary,
  LIST_CHUNK_LIMIT,
  Measurement,
  PcrValues,
  route,
  ROUTES,
  ServerEvent,
} from '@assay/wire';

/** Just enough of a schema. */
interface Checks {
  safeParse(value: unknown): { success: boolean };
}

const takes = (schema: Checks, value: unknown): boolean => schema.safeParse(value).success;

const FACTS = { tpmKind: 'simulated', listSource: 'engine', kernel: '6.12.94+deb13-amd64', agentVersion: '0.1.0' };
const DIGEST = 'sha256:00';
const AT = '2026-09-01T12:00:00Z';
const CHALLENGE = {
  session: 's',
  nonce: '00'.repeat(32),
  expiresAt: AT,
  selection: { bank: 'sha256', pcrs: [10] },
  list: { fromEntry: 1, fromOffset: 0 },
};
const EVIDENCE = {
  session: 's',
  facts: FACTS,
  quote: { message: 'AAAA', signature: 'AAAA' },
  pcrs: { '10': '00' },
  list: { bank: 'sha256', fromEntry: 1, fromOffset: 0, entries: '' },
};
const HOST = {
  id: '0123456789abcdef',
  name: 'web-03',
  verdict: 'trusted',
  sentence: '',
  verdictSince: AT,
  evidenceAt: null,
  staleAfterSeconds: 30,
  enrolledAt: AT,
  tpm: { kind: 'hardware', trust: 'first-use' },
  list: { source: 'kernel', entries: 1, violations: 0 },
  reference: null,
  openFindings: 0,
};
const MEASUREMENT = {
  entry: 1,
  pcr: 10,
  template: 'ima-ng',
  templateDigest: DIGEST,
  digest: DIGEST,
  filenameHint: '/usr/bin/true',
  status: 'known',
  receivedAt: AT,
};
const FINDING = {
  id: '1',
  host: { id: HOST.id, name: HOST.name },
  code: 'IMA-UNKNOWN-DIGEST',
  severity: 'failed',
  sentence: '',
  evidence: { entry: null, template: null, digest: null, filenameHint: null },
  explanation: [{ cause: '', confidence: 'low' }],
  blastRadius: { hosts: 1, firstSeen: AT, lastSeen: AT },
  acknowledgement: null,
  resolution: null,
  next: [],
  open: true,
  firstSeen: AT,
  lastSeen: AT,
};

interface Message {
  readonly schema: Checks;
  readonly good: Readonly<Record<string, unknown>>;
  /** Members by their path, with values that must be refused there. */
  readonly bad: Readonly<Record<string, readonly unknown[]>>;
}

const COUNTS = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null];
const OFFSETS = COUNTS.slice(1);

const MESSAGES: Readonly<Record<string, Message>> = {
  HostFacts: {
    schema: HostFacts,
    good: FACTS,
    bad: {
      tpmKind: ['Hardware', '', 'hardware '],
      listSource: ['ima', ''],
      kernel: ['x'.repeat(129), '6.12\u001b[2J', '6.12\n', '\u202e6.12', 7],
      agentVersion: ['x'.repeat(33), '0.1\u001b[2J', '0.1\u0000'],
    },
  },
  EnrolRequest: {
    schema: EnrolRequest,
    good: { name: 'web-03', ekPublic: 'AAAA', akPublic: 'AAAA', facts: FACTS },
    bad: {
      name: ['../x'],
      ekPublic: ['A'.repeat(1400), '!!!!'],
      akPublic: ['A'.repeat(1400), null],
      facts: [{}, null],
    },
  },
  ActivateRequest: { schema: ActivateRequest, good: { secret: '00' }, bad: { secret: ['0', 'zz', '00'.repeat(200)] } },
  EvidenceMessage: {
    schema: EvidenceMessage,
    good: EVIDENCE,
    bad: {
      session: ['s'.repeat(65), 1],
      'quote.message': ['A'.repeat(6000), '%%%%'],
      'quote.signature': ['A'.repeat(6000), null],
      pcrs: [{ '100': '00' }, { '-1': '00' }, { '1e1': '00' }, { ' 1': '00' }, { '10': '0' }, { '10': null }, [], null],
      'list.bank': ['md5', 'sm3', 'SHA256', '__proto__'],
      'list.fromEntry': COUNTS,
      'list.fromOffset': OFFSETS,
      'list.entries': ['A'.repeat(Math.ceil(LIST_CHUNK_LIMIT / 3) * 4 + 4), 'AA\nA'],
    },
  },
  Challenge: {
    schema: Challenge,
    good: CHALLENGE,
    bad: {
      nonce: ['', '00'.repeat(31), '00'.repeat(33), 'zz'.repeat(32)],
      'selection.bank': ['sha1', 'sha384'],
      'selection.pcrs': [[24], [-1], [1.5], ['10'], null],
      'list.fromEntry': COUNTS,
      'list.fromOffset': OFFSETS,
      expiresAt: ['tomorrow'],
    },
  },
  EvidenceReply: {
    schema: EvidenceReply,
    good: { verified: true, verdict: 'trusted', sentence: '', errors: [], challenge: CHALLENGE, heartbeatSeconds: 10 },
    bad: {
      verified: ['true', 1],
      verdict: ['green', ''],
      errors: [[{ code: 1, message: '' }]],
      heartbeatSeconds: ['10', 1.5],
    },
  },
  CaptureRequest: {
    schema: CaptureRequest,
    good: { note: 'why', add: [{ digest: DIGEST, path: '/a' }] },
    bad: {
      note: ['x'.repeat(501)],
      add: [[{ digest: 'x', path: '/a' }], [{ digest: DIGEST, path: 'x'.repeat(8193) }], {}],
    },
  },
  HostSummary: {
    schema: HostSummary,
    good: HOST,
    bad: { verdict: ['ok'], name: ['<b>'], evidenceAt: ['never'], 'tpm.trust': ['certificate'], reference: [{}] },
  },
  Measurement: {
    schema: Measurement,
    good: MEASUREMENT,
    bad: { status: ['good'], digest: ['', 'x'], entry: [1.5, '1'], receivedAt: [''] },
  },
  Finding: {
    schema: Finding,
    good: FINDING,
    bad: { severity: ['info'], 'evidence.digest': ['x'], open: [1], next: [[1]], 'host.name': ['a b'] },
  },
  ServerEvent: {
    schema: ServerEvent,
    good: { type: 'finding', finding: FINDING },
    bad: { type: ['other', 'host', null], finding: [{}, null] },
  },
};

/** A copy of the message in which one member has another value; without it where the value is undefined. */
function changed(good: Readonly<Record<string, unknown>>, path: string, value: unknown): unknown {
  const [first = '', ...rest] = path.split('.');
  const { [first]: member, ...others } = good;
  if (rest.length === 0) return value === undefined ? others : { ...good, [first]: value };
  return { ...good, [first]: changed(member as Record<string, unknown>, rest.join('.'), value) };
}

for (const [name, { schema, good, bad }] of Object.entries(MESSAGES)) {
  describe(name, () => {
    test('is taken as it is', () => assert.equal(takes(schema, good), true));
    for (const [path, values] of Object.entries(bad)) {
      test(`is refused with another ${path}`, () => {
        for (const value of values) {
          const shown = `${path} = ${JSON.stringify(value).slice(0, 60)}`;
          assert.equal(takes(schema, changed(good, path, value)), false, shown);
        }
      });
    }
    test('is refused as anything but an object', () => {
      for (const value of [undefined, null, 1, '', '{}', [], [good], true]) assert.equal(takes(schema, value), false);
    });
  });
}

describe('a list of the greatest length', () => {
  test('is taken, and refused for its last character', () => {
    const entries = 'A'.repeat(Math.floor(LIST_CHUNK_LIMIT / 3) * 4);
    assert.equal(takes(EvidenceMessage, changed(EVIDENCE, 'list.entries', entries)), true);
    assert.equal(takes(EvidenceMessage, changed(EVIDENCE, 'list.entries', `${entries.slice(0, -1)}!`)), false);
  });
});

describe('members that are not among those of a schema', () => {
  test('do not get through, __proto__ neither', () => {
    const hostile: unknown = JSON.parse(
      JSON.stringify(EVIDENCE).replace('{', '{"__proto__":{"verified":true},"more":1,'),
    );
    const parsed = EvidenceMessage.parse(hostile);
    assert.deepEqual(Object.keys(parsed).toSorted(), Object.keys(EVIDENCE).toSorted());
    assert.equal(Object.getPrototypeOf(parsed), Object.prototype);
    const pcrs = PcrValues.safeParse(JSON.parse('{"__proto__":{"10":"00"}}'));
    assert.ok(!pcrs.success || Object.keys(pcrs.data).length === 0);
  });
});

describe('route', () => {
  test('puts a name into its place as one segment, whatever is in it', () => {
    assert.equal(route(ROUTES.host, 'web-03'), '/v1/hosts/web-03');
    assert.equal(
      route(ROUTES.measurements, '../../v1/agent?x=1#y'),
      '/v1/hosts/..%2F..%2Fv1%2Fagent%3Fx%3D1%23y/measurements',
    );
    assert.equal(route(ROUTES.host, '$&'), '/v1/hosts/%24%26');
  });
});
