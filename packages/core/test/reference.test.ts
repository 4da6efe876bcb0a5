import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { buildReference, captureReference } from '@assay/core/reference';
import { judgeEntries } from '@assay/core/verdict';
import { SimulatedList } from '@assay/testkit/evidence';

const digestOf = (text: string): Uint8Array => nodeHasher.digest('sha256', utf8(text));
const textOf = (text: string): string => `sha256:${toHex(digestOf(text))}`;
const entriesOf = (list: SimulatedList): MeasurementEntry[] =>
  parseBinaryList(list.bytes(), { bank: 'sha256' }).entries;

describe('reference values', () => {
  const values = buildReference([
    { digest: 'sha256:aa', path: '/usr/bin/one' },
    { digest: 'sha256:aa', path: '/usr/bin/two' },
    { digest: 'sha256:bb', path: '/usr/bin/two' },
    { digest: 'sha256:aa', path: '/usr/bin/one' },
  ]);

  test('count each digest once', () => {
    assert.equal(values.size, 2);
    assert.equal(buildReference([]).size, 0);
  });

  test('hold whole digests with their algorithm, and nothing else', () => {
    assert.deepEqual(
      ['sha256:aa', 'sha256:bb', 'sha1:aa', 'aa', 'sha256:a', 'sha256:AA', '', '__proto__', 'constructor'].map(
        values.has,
      ),
      [true, true, false, false, false, false, false, false, false],
    );
  });

  test('know the paths at which a digest is good', () => {
    assert.deepEqual(['/usr/bin/one', '/usr/bin/two', '/usr/bin', ''].map(values.knowsPath), [
      true,
      true,
      false,
      false,
    ]);
  });

  test('do not change with the list that they were built from', () => {
    const items = [{ digest: 'sha256:aa', path: '/a' }];
    const built = buildReference(items);
    items.push({ digest: 'sha256:bb', path: '/b' });
    assert.deepEqual([built.size, built.has('sha256:bb')], [1, false]);
  });
});

describe('a capture', () => {
  const list = new SimulatedList();
  list.begin(digestOf('boot'));
  const record = utf8('version=0.1.0;');
  for (const name of ['assay-engine-start', 'assay-engine-gap', 'assay-engine-stop']) {
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
      ['engine-record', 'engine-record', 'engine-record', 'violation'],
    );
  });

  test('does not take over what a violation measured', () => {
    const violated = new SimulatedList();
    violated.violate('/usr/bin/true');
    assert.deepEqual(captureReference(entriesOf(violated)), []);
  });
});
