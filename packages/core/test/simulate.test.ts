import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeDigestSignatures, nodeHasher } from '@assay/core/node';
import {
  checkedReference,
  compileReference,
  emptyReference,
  pooled,
  type Pool,
  type ReferenceDocument,
  type ReferenceValues,
} from '@assay/core/reference';
import { Simulator, SIMULATION_LIMIT, type Simulation } from '@assay/core/verdict';
import { SimulatedList } from '@assay/testkit/evidence';

const NOW = new Date('2026-11-22T00:00:00Z');
const OVER = '2026-11-01T00:00:00Z';
const LATER = '2026-12-24T00:00:00Z';
const digest = (content: string): Uint8Array => nodeHasher.digest('sha256', utf8(content));
const text = (content: string): string => `sha256:${toHex(digest(content))}`;
const DOCUMENT = emptyReference('web', 1, '2026-11-22T00:00:00Z');

function values(change: Partial<ReferenceDocument>): ReferenceValues {
  const { document } = checkedReference({ ...DOCUMENT, ...change });
  const patterns = { compile: (pattern: string) => (name: string) => new RegExp(`^(?:${pattern})`).test(name) };
  return compileReference(document, { hasher: nodeHasher, digestSignatures: nodeDigestSignatures, patterns });
}

function pool(name: string, version: string, files: Readonly<Record<string, string>>, until?: string): Pool {
  const digests = pooled(Object.entries(files).map(([path, content]) => ({ digest: text(content), path })));
  const end = until === undefined ? {} : { until };
  return { id: `${name}_${version}`, kind: 'package', name, version, ...end, digests };
}

function list(files: Readonly<Record<string, string>>): MeasurementEntry[] {
  const recorded = new SimulatedList();
  recorded.begin(digest('boot'));
  for (const [path, content] of Object.entries(files)) recorded.measure(path, digest(content));
  return parseBinaryList(recorded.bytes(), { bank: recorded.bank }).entries;
}

function simulated(
  before: Partial<ReferenceDocument> | null,
  after: Partial<ReferenceDocument>,
  lists: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Simulation {
  const old = before === null ? null : values(before);
  const simulator = new Simulator({ before: old, after: values(after), at: NOW, hasher: nodeHasher });
  for (const [host, files] of Object.entries(lists)) simulator.add({ host, entries: list(files) });
  return simulator.result();
}

const OPENSSL = '/usr/bin/openssl';
const CURL = '/usr/bin/curl';
const ON = { 'web-01': { [OPENSSL]: 'ssl 1', [CURL]: 'curl 1' } };
const hole = { form: 'glob', pattern: '/opt/**', reason: 'trial', owner: 'ops' } as const;

describe('a simulation', () => {
  const both = [pool('curl', '8', { [CURL]: 'curl 1' }), pool('openssl', '3.0.13', { [OPENSSL]: 'ssl 1' })];
  const cases: readonly [
    string,
    Partial<ReferenceDocument> | null,
    Partial<ReferenceDocument>,
    Readonly<Record<string, string>>,
    [string, string],
  ][] = [
    [
      'names the package that is not among the good ones any more',
      { pools: both },
      { pools: [pool('curl', '8', { [CURL]: 'curl 1' })] },
      ON['web-01'],
      ['refused', 'openssl 3.0.13 is not among the good ones any more.'],
    ],
    [
      'names the package whose time is over',
      { pools: both },
      {
        pools: [
          pool('curl', '8', { [CURL]: 'curl 1' }),
          pool('openssl', '3.0.13', { [OPENSSL]: 'ssl 1' }, OVER),
          pool('openssl', '3.0.14', { [OPENSSL]: 'ssl 2' }),
        ],
      },
      ON['web-01'],
      ['refused', `openssl 3.0.13 was good until ${OVER}.`],
    ],
    [
      'names the package that a digest is of',
      { pools: [pool('curl', '8', { [CURL]: 'curl 1' })] },
      { pools: both },
      ON['web-01'],
      ['accepted', 'openssl 3.0.13 has them.'],
    ],
    [
      'says why a digest is denied',
      { pools: both },
      { pools: both, denied: [{ digest: text('ssl 1'), reason: 'CVE-2026-1' }] },
      ON['web-01'],
      ['refused', 'They are denied: CVE-2026-1.'],
    ],
    [
      'names the exclude that lets through',
      { pools: [] },
      { excludes: [{ ...hole, expires: LATER }] },
      { '/opt/x': 'x' },
      ['accepted', 'The exclude /opt/** lets them through.'],
    ],
    [
      'names the exclude that is over',
      { excludes: [{ ...hole, expires: LATER }] },
      { excludes: [{ ...hole, expires: OVER }] },
      { '/opt/x': 'x' },
      ['refused', 'The exclude /opt/** lets them through no more.'],
    ],
    [
      'tells a rule for a path from a pool',
      { files: [{ path: '/opt/x', digests: [text('x')] }] },
      {},
      { '/opt/x': 'x' },
      ['refused', 'The rule for their path has them no more.'],
    ],
    [
      'tells what only gets another reason',
      { files: [{ path: '/opt/x', digests: [text('y')] }] },
      {},
      { '/opt/x': 'x' },
      ['other', 'They are unknown instead of changed.'],
    ],
    ['says of what nothing has', null, {}, { '/opt/x': 'x' }, ['refused', 'Nothing has them.']],
  ];
  for (const [what, before, after, files, expected] of cases) {
    test(what, () => {
      const { causes, changes } = simulated(before, after, { 'web-01': files });
      assert.deepEqual(
        causes.map(({ effect, cause }) => [effect, cause]),
        [expected],
      );
      assert.equal(causes[0]?.entries, changes.length);
    });
  }

  test('groups entries of all hosts by cause, the refused ones first', () => {
    const hosts = { 'web-01': ON['web-01'], 'web-02': ON['web-01'], 'db-01': { [CURL]: 'curl 1' } };
    const after = { pools: [pool('openssl', '3.0.13', { [OPENSSL]: 'ssl 1' })] };
    const { causes, affected, unused } = simulated({ pools: [pool('curl', '8', { [CURL]: 'curl 1' })] }, after, hosts);
    assert.deepEqual(causes, [
      {
        effect: 'refused',
        cause: 'curl 8 is not among the good ones any more.',
        entries: 1,
        paths: [CURL],
        hosts: ['web-01', 'web-02', 'db-01'],
        hostsInAll: 3,
      },
      {
        effect: 'accepted',
        cause: 'openssl 3.0.13 has them.',
        entries: 1,
        paths: [OPENSSL],
        hosts: ['web-01', 'web-02'],
        hostsInAll: 2,
      },
    ]);
    assert.deepEqual([affected, unused], [3, []]);
  });

  test('names at most five paths of a cause, and counts all', () => {
    const files = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`/opt/${index}`, `x${index}`]));
    const { causes } = simulated({ pools: [pool('x', '1', files)] }, {}, { a: files });
    assert.deepEqual([causes[0]?.entries, causes[0]?.paths.length], [9, 5]);
  });

  test('counts all hosts of a large fleet, and names some of them: those that change', () => {
    const simulator = new Simulator({
      before: values({ pools: both }),
      after: values({}),
      at: NOW,
      hasher: nodeHasher,
    });
    const [same, turned] = [list({}), list(ON['web-01'])];
    for (let host = 0; host < SIMULATION_LIMIT; host++) simulator.add({ host: `same-${host}`, entries: same });
    for (let host = 0; host < 30; host++) simulator.add({ host: `turned-${host}`, entries: turned });
    for (let boot = 0; boot < SIMULATION_LIMIT; boot++)
      simulator.add({ host: 'same-0', boot: `${boot}`, entries: same });
    simulator.add({ host: 'same-0', boot: 'last', entries: turned });
    const { hosts, hostsInAll, turns, earlier, earlierInAll, earlierTurned, causes, changes } = simulator.result();
    assert.deepEqual([hosts.length, hostsInAll], [SIMULATION_LIMIT, SIMULATION_LIMIT + 30]);
    assert.equal(hosts.filter(({ host }) => host.startsWith('turned')).length, 30);
    assert.deepEqual(turns, [
      { before: 'trusted', after: 'trusted', hosts: SIMULATION_LIMIT },
      { before: 'trusted', after: 'warning', hosts: 30 },
    ]);
    assert.deepEqual([earlier.length, earlierInAll, earlierTurned], [SIMULATION_LIMIT, SIMULATION_LIMIT + 1, 1]);
    assert.equal(earlier[0]?.boot, 'last');
    assert.deepEqual([causes[0]?.hosts.length, causes[0]?.hostsInAll], [20, 31]);
    assert.deepEqual([changes[0]?.hosts.length, changes[0]?.hostsInAll], [20, 31]);
  });

  test('counts all that changes, and names the first of it', () => {
    const files = Object.fromEntries(Array.from({ length: SIMULATION_LIMIT + 5 }, (_, at) => [`/opt/${at}`, `x${at}`]));
    const { changes, changesInAll, causes } = simulated({ pools: [pool('x', '1', files)] }, {}, { a: files });
    assert.deepEqual([changes.length, changesInAll], [SIMULATION_LIMIT, SIMULATION_LIMIT + 5]);
    assert.equal(causes[0]?.entries, SIMULATION_LIMIT + 5);
  });

  test('keeps earlier boots apart from the present ones', () => {
    const simulator = new Simulator({
      before: values({}),
      after: values({ pools: both }),
      at: NOW,
      hasher: nodeHasher,
    });
    const entries = list(ON['web-01']);
    simulator.add({ host: 'web-01', entries: list({}) });
    simulator.add({ host: 'web-01', boot: '7', entries });
    simulator.add({ host: 'web-02', boot: '8', entries });
    const { hosts, earlier, affected } = simulator.result();
    assert.deepEqual(
      hosts.map(({ host, before, after }) => [host, before, after]),
      [['web-01', 'trusted', 'trusted']],
    );
    assert.deepEqual(
      earlier.map(({ host, boot, before, after, accepted }) => [host, boot, before, after, accepted]),
      [
        ['web-01', '7', 'warning', 'trusted', 2],
        ['web-02', '8', 'warning', 'trusted', 2],
      ],
    );
    assert.equal(affected, 2);
  });

  test('counts rules for paths, and digests of pools, that no list holds', () => {
    const files = [
      { path: '/opt/a', digests: [text('a')] },
      { path: '/opt/b', digests: [text('b')] },
    ];
    const { unused, unusedFiles } = simulated({}, { files, pools: both }, { a: { '/opt/a': 'a', [CURL]: 'curl 1' } });
    assert.deepEqual(unusedFiles, { paths: 1, of: 2 });
    assert.deepEqual(unused, [{ pool: 'openssl_3.0.13', digests: 1, of: 1 }]);
  });
});
