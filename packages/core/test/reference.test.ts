import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeDigestSignatures, nodeHasher } from '@assay/core/node';
import {
  buildReference,
  captureReference,
  checkedReference,
  compileReference,
  decide,
  emptyReference,
  type Decision,
  type Pool,
  type ReferenceDocument,
} from '@assay/core/reference';
import { judgeEntries } from '@assay/core/verdict';
import { SimulatedList } from '@assay/testkit/evidence';

const digestOf = (text: string): Uint8Array => nodeHasher.digest('sha256', utf8(text));
const textOf = (text: string): string => `sha256:${toHex(digestOf(text))}`;
const entriesOf = (list: SimulatedList): MeasurementEntry[] =>
  parseBinaryList(list.bytes(), { bank: 'sha256' }).entries;

const ONE = textOf('one');
const TWO = textOf('two');

describe('reference values', () => {
  const values = buildReference([
    { digest: ONE, path: '/usr/bin/one' },
    { digest: ONE, path: '/usr/bin/two' },
    { digest: TWO, path: '/usr/bin/two' },
    { digest: ONE, path: '/usr/bin/one' },
  ]);

  test('count each digest once', () => {
    assert.equal(values.size, 2);
    assert.equal(buildReference([]).size, 0);
  });

  test('hold whole digests with their algorithm and type, and nothing else', () => {
    const hex = ONE.slice('sha256:'.length);
    const others = [
      `sha3-256:${hex}`,
      `verity-${ONE}`,
      hex,
      ONE.slice(0, -2),
      ONE.toUpperCase(),
      `${ONE}00`,
      '',
      '__proto__',
    ];
    assert.deepEqual(
      [ONE, TWO].map((digest) => values.has(digest)),
      [true, true],
    );
    assert.deepEqual(
      others.filter((digest) => values.has(digest)),
      [],
    );
  });

  test('know the paths at which a digest is good', () => {
    const paths = ['/usr/bin/one', '/usr/bin/two', '/usr/bin', ''];
    assert.deepEqual(
      paths.map((path) => values.knowsPath(path)),
      [true, true, false, false],
    );
    assert.equal(values.pathOf(TWO), '/usr/bin/two');
  });

  test('do not change with the list that they were built from', () => {
    const items = [{ digest: ONE, path: '/a' }];
    const built = buildReference(items);
    items.push({ digest: TWO, path: '/b' });
    assert.deepEqual([built.size, built.has(TWO)], [1, false]);
  });

  test('find each of many digests, and none that is not there', () => {
    const digests = Array.from({ length: 5000 }, (_, index) => textOf(`${index}`));
    // All of one slot: what differs comes after the bytes by which digests are found.
    const crowded = Array.from(
      { length: 300 },
      (_, index) => `sha1:${'00'.repeat(18)}${index.toString(16).padStart(4, '0')}`,
    );
    const many = buildReference([...digests, ...crowded, ...digests].map((digest) => ({ digest, path: '/a' })));
    assert.equal(many.size, 5300);
    assert.ok([...digests, ...crowded].every((digest) => many.has(digest)));
    assert.ok(!digests.some((digest) => many.has(textOf(digest))));
    assert.ok(!many.has(`sha1:${'00'.repeat(18)}ffff`));
  });
});

const AT = new Date('2026-11-22T00:00:00Z');
const LATER = '2026-12-01T00:00:00Z';
const EARLIER = '2026-11-01T00:00:00Z';
const EMPTY = emptyReference('test', 1, EARLIER);
const PORTS = {
  hasher: nodeHasher,
  digestSignatures: nodeDigestSignatures,
  patterns: { compile: () => () => false },
};

function decided(change: Partial<ReferenceDocument>, path: string, content: string, at: Date | null = AT): Decision {
  const list = new SimulatedList();
  list.measure(path, digestOf(content));
  return ofLast(change, list, at);
}

function ofLast(change: Partial<ReferenceDocument>, list: SimulatedList, at: Date | null = AT): Decision {
  const { document } = checkedReference({ ...EMPTY, ...change });
  const entry = entriesOf(list).at(-1);
  assert.ok(entry !== undefined);
  return decide(compileReference(document, PORTS), entry, nodeHasher, at ?? undefined);
}

const pool = (content: string, paths: string[] = [], until?: string): Pool => ({
  id: `p_${until ?? ''}`,
  kind: 'package',
  name: 'p',
  version: '1',
  ...(until === undefined ? {} : { until }),
  digests: [{ digest: textOf(content), paths }],
});
const hole = (pattern: string, expires: string) => ({
  excludes: [{ form: 'glob' as const, pattern, reason: 'r', owner: 'o', expires }],
});

describe('a decision about a file', () => {
  test('takes a digest of a pool at every path, and one of a rule at its path alone', () => {
    assert.equal(decided({ pools: [pool('a', ['/usr/bin/a'])] }, '/opt/b', 'a').status, 'known');
    const files = [{ path: '/usr/bin/a', digests: [textOf('a')] }];
    assert.equal(decided({ files }, '/usr/bin/a', 'a').status, 'known');
    assert.deepEqual(decided({ files }, '/opt/b', 'a'), { status: 'unknown', elsewhere: '/usr/bin/a' });
    assert.equal(decided({ files }, '/usr/bin/a', 'b').status, 'changed');
  });

  test('takes a pool until its time is over, and says then which it was', () => {
    const ends = pool('a', [], LATER);
    assert.equal(decided({ pools: [ends] }, '/a', 'a').status, 'known');
    const ended = pool('a', [], EARLIER);
    assert.deepEqual(decided({ pools: [ended] }, '/a', 'a'), { status: 'unknown', ended });
    assert.equal(decided({ pools: [ended, { ...pool('a'), id: 'q' }] }, '/a', 'a').status, 'known');
    assert.equal(
      decided({ pools: [ends] }, '/a', 'a', null).status,
      'unknown',
      'without a time, all that ends has ended',
    );
  });

  test('names the pool that has another digest for the path', () => {
    const expected = pool('a', ['/usr/bin/a']);
    assert.deepEqual(decided({ pools: [expected] }, '/usr/bin/a', 'b'), { status: 'changed', expected });
  });

  test('names a package before what was seen on a host, whichever comes first', () => {
    const deb = { ...pool('a', ['/usr/bin/a']), id: 'm', kind: 'package' as const };
    for (const id of ['a', 'z']) {
      const seen = { ...pool('a', ['/usr/bin/a']), id, kind: 'host' as const };
      const pools = [deb, seen].toSorted((one, other) => one.id.localeCompare(other.id));
      assert.deepEqual(decided({ pools }, '/usr/bin/a', 'b'), { status: 'changed', expected: deb });
    }
  });

  test('lets an exclude through until it ends, and never what is denied', () => {
    assert.equal(decided(hole('/var/app', LATER), '/var/app/x', 'a').status, 'excluded');
    assert.equal(decided(hole('/var/app', LATER), '/var/apple', 'a').status, 'unknown');
    assert.equal(decided(hole('/var/**/x', LATER), '/var/a/b/x', 'a').status, 'excluded');
    assert.equal(decided(hole('/var/app', EARLIER), '/var/app/x', 'a').status, 'unknown');
    assert.equal(decided(hole('/var/app', LATER), '/var/app/x', 'a', null).status, 'unknown');
    const denied = [{ digest: textOf('a'), reason: 'bad' }];
    const all = { ...hole('/**', LATER), denied, pools: [pool('a')], files: [{ path: '/a', digests: [textOf('a')] }] };
    assert.deepEqual(decided(all, '/a', 'a'), { status: 'denied', reason: 'bad' });
  });

  test('compares excludes with names as the kernel has them', () => {
    assert.equal(decided(hole('/run/a\\x2db', LATER), '/run/a\\x2db', 'a').status, 'excluded');
  });

  test('takes only the given digests where the kernel reads its policy', () => {
    const kernelPolicy = { paths: ['/etc/ima/ima-policy'], digests: [textOf('policy')] };
    assert.equal(decided({ kernelPolicy }, '/etc/ima/ima-policy', 'policy').status, 'known');
    const other = { kernelPolicy, pools: [pool('other')], ...hole('/**', LATER) };
    assert.equal(decided(other, '/etc/ima/ima-policy', 'other').status, 'kernel-policy');
  });
});

describe('a decision about a buffer', () => {
  const buffers = [{ name: 'kernel_version', digests: [textOf('6.12')] }];
  const buffer = (name: string, text: string, digest = digestOf(text)) => {
    const list = new SimulatedList();
    list.append('ima-buf', { digest: { algorithm: 'sha256', value: digest }, name: utf8(name), buffer: utf8(text) });
    return list;
  };

  test('takes the digests of its name', () => {
    assert.equal(ofLast({ buffers }, buffer('kernel_version', '6.12')).status, 'known');
    assert.equal(ofLast({ buffers }, buffer('kernel_version', '6.13')).status, 'unknown');
    assert.equal(ofLast({ buffers }, buffer('kexec-cmdline', '6.12')).status, 'unknown');
  });

  test('takes no file for a buffer whose digest is not that of the buffer', () => {
    assert.equal(ofLast({ buffers }, buffer('kernel_version', 'other', digestOf('6.12'))).status, 'unknown');
  });
});

describe('a capture', () => {
  const list = new SimulatedList();
  list.begin(digestOf('boot'));
  const record = utf8('version=0.1.0;');
  for (const name of ['assay-engine-start', 'assay-engine-gap', 'assay-engine-stop', 'assay-engine-mode']) {
    const digest = { algorithm: 'sha256', value: nodeHasher.digest('sha256', record) } as const;
    list.append('ima-buf', { digest, name: utf8(name), buffer: record });
  }
  list.measure('/usr/bin/true', digestOf('true'));
  list.violate('/var/log/messages');
  const key = { algorithm: 'sha256', value: digestOf('key') } as const;
  list.append('ima-buf', { digest: key, name: utf8('.ima'), buffer: utf8('key') });
  list.measure('/usr/bin/true', digestOf('true'));
  list.measure('/tmp/\u001b[2J', digestOf('odd'));
  const captured = captureReference(entriesOf(list));

  test('takes over files and buffers, with escaped names; not boot_aggregate, violations and records of the engine', () => {
    assert.deepEqual(captured, [
      { digest: textOf('true'), path: '/usr/bin/true' },
      { digest: textOf('key'), path: '.ima' },
      { digest: textOf('true'), path: '/usr/bin/true' },
      { digest: textOf('odd'), path: '/tmp/\\x1b[2J' },
    ]);
  });

  test('makes all files and buffers of the list known that it was taken from', () => {
    const context = { host: 'a', reference: buildReference(captured), bootPcrs: new Map(), hasher: nodeHasher };
    const judgements = judgeEntries(entriesOf(list).slice(1), context);
    assert.deepEqual(
      judgements.filter(({ status }) => status !== 'known').map(({ status }) => status),
      ['engine-record', 'engine-record', 'engine-record', 'engine-record', 'violation'],
    );
  });

  test('does not take over what a violation measured', () => {
    const violated = new SimulatedList();
    violated.violate('/usr/bin/true');
    assert.deepEqual(captureReference(entriesOf(violated)), []);
  });
});
