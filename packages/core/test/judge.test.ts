import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import {
  bootAggregate,
  encodeBinaryEntry,
  parseBinaryList,
  type EntryFields,
  type MeasurementEntry,
  type TemplateName,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { buildReference, type ReferenceValues } from '@assay/core/reference';
import { judgeEntries, type JudgeContext, type Judgement } from '@assay/core/verdict';
import { SimulatedList } from '@assay/testkit/evidence';

const PCRS = new Map(Array.from({ length: 11 }, (_, pcr) => [pcr, new Uint8Array(32).fill(pcr)]));
const digestOf = (content: string | Uint8Array): Uint8Array =>
  nodeHasher.digest('sha256', typeof content === 'string' ? utf8(content) : content);

const KNOWN = buildReference([
  { digest: `sha256:${toHex(digestOf('good'))}`, path: '/usr/bin/good' },
  { digest: `sha256:${toHex(digestOf('config'))}`, path: '/etc/config' },
]);

function judged(list: SimulatedList, reference: ReferenceValues | null = KNOWN, host = 'web-03'): Judgement[] {
  const context: JudgeContext = { host, reference, bootPcrs: PCRS, hasher: nodeHasher };
  return judgeEntries(parseBinaryList(list.bytes(), { bank: list.bank }).entries, context);
}

function begun(): SimulatedList {
  const list = new SimulatedList();
  list.begin(bootAggregate(nodeHasher, 'sha256', PCRS));
  return list;
}

/** A list with boot_aggregate and this, judged: the last judgement. */
function last(add: (list: SimulatedList) => unknown, reference: ReferenceValues | null = KNOWN): Judgement | undefined {
  const list = begun();
  add(list);
  return judged(list, reference).at(-1);
}

const file = (path: string | Uint8Array, content: string, reference: ReferenceValues | null = KNOWN) =>
  last((list) => list.measure(path, digestOf(content)), reference);

const record = (name: string, buffer = utf8('version=0.1.0;')) => ({
  digest: { algorithm: 'sha256' as const, value: digestOf(buffer) },
  name: utf8(name),
  buffer,
});

const summary = (judgement: Judgement | undefined) => [
  judgement?.status,
  judgement?.finding?.code ?? null,
  judgement?.finding?.severity ?? null,
];

describe('a file', () => {
  test('without reference values is not judged, and is no finding', () => {
    assert.deepEqual(summary(file('/tmp/x', 'anything', null)), ['unjudged', null, null]);
  });

  test('of a known digest is fine, also at another path: the digest decides', () => {
    for (const path of ['/usr/bin/good', '/tmp/x', '/etc/config', 'memfd:x']) {
      assert.deepEqual(summary(file(path, 'good')), ['known', null, null]);
    }
  });

  test('of another digest at a known path has changed, and fails the host', () => {
    assert.deepEqual(summary(file('/usr/bin/good', 'evil')), ['changed', 'IMA-DIGEST-CHANGED', 'failed']);
    assert.deepEqual(summary(file('/etc/config', 'evil')), ['changed', 'IMA-DIGEST-CHANGED', 'failed']);
  });

  test('of a known digest but by another algorithm is not known', () => {
    const other = last((list) =>
      list.append('ima-ng', { digest: { algorithm: 'sm3', value: digestOf('good') }, name: utf8('/usr/bin/x') }),
    );
    assert.equal(other?.status, 'unknown');
  });

  const severities: Readonly<Record<string, 'warning' | 'failed'>> = {
    '/usr/bin/new': 'warning',
    '/usr/local/bin/new': 'warning',
    '/bin/new': 'warning',
    '/sbin/new': 'warning',
    '/lib/x86_64-linux-gnu/new.so': 'warning',
    '/lib64/ld.so': 'warning',
    '/opt/new/bin/new': 'warning',
    '/tmp/x': 'failed',
    '/var/tmp/x': 'failed',
    '/dev/shm/x': 'failed',
    '/home/user/x': 'failed',
    '/root/x': 'failed',
    '/x': 'failed',
    '/usrbin/x': 'failed',
    '/usr': 'failed',
    'usr/bin/x': 'failed',
    '/usr/bin/new_(deleted)': 'failed',
    '/usr/bin/new (deleted)': 'failed',
    '/tmp/x_(deleted)': 'failed',
    'memfd:x': 'failed',
    '/memfd:x_(deleted)': 'failed',
    '': 'failed',
    x: 'failed',
  };
  for (const [path, severity] of Object.entries(severities)) {
    test(`of an unknown digest at ${path || 'no path'} is ${severity === 'failed' ? 'a failure' : 'a warning'}`, () => {
      assert.deepEqual(summary(file(path, 'evil')), ['unknown', 'IMA-UNKNOWN-DIGEST', severity]);
    });
  }

  test('is explained by where it lies, the likeliest cause first', () => {
    const causes = (path: string) => file(path, 'evil')?.finding?.explanation.map(({ cause }) => cause) ?? [];
    assert.match(causes('/tmp/x')[0] ?? '', /everyone may write/);
    assert.match(causes('/home/user/x')[0] ?? '', /outside the directories/);
    assert.match(causes('/usr/bin/x_(deleted)')[0] ?? '', /replaced while a program had it open/);
    assert.match(causes('/home/user/x (deleted)').join(), /deleted before it was measured/);
    assert.deepEqual(causes('memfd:x'), ['It was made in memory and never was a file on disk.']);
    assert.deepEqual(causes('/usr/bin/x'), ['It runs for the first time since the reference values were captured.']);
  });

  test('of an unknown digest names the entry, the template, the digest and the path', () => {
    assert.deepEqual(file('/tmp/x', 'evil')?.finding?.evidence, {
      entry: 2,
      template: 'ima-ng',
      digest: `sha256:${toHex(digestOf('evil'))}`,
      filenameHint: '/tmp/x',
    });
  });
});

describe('a hostile name', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => bytes.map((byte) => byte || 0x41)),
    fc
      .constantFrom(
        ';rm -rf ~',
        '$(id)',
        '`id`',
        '\n| sh',
        '\u001b[2J',
        '\u202e',
        "'",
        '"',
        ' -o x',
        '*',
        '\u2028',
        '\u200b',
      )
      .map((text) => utf8(`/tmp/x${text}`)),
  );

  test('is escaped in every text for people: no control or invisible character gets through', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const { finding } = file(name, 'evil') ?? {};
        const texts = [finding?.sentence, finding?.evidence.filenameHint, ...(finding?.next ?? [])].join(' ');
        return !/[\p{C}\p{Zl}\p{Zp}]/u.test(texts);
      }),
    );
  });

  test('gets into no command: what is run next is made of words that every shell reads as themselves', () => {
    fc.assert(
      fc.property(hostile, (name) =>
        (file(name, 'evil')?.finding?.next ?? []).every((command) => /^[A-Za-z0-9_./+ -]+$/.test(command)),
      ),
    );
    assert.deepEqual(file('/tmp/x;id', 'evil')?.finding?.next, ['assay reference capture --host web-03']);
    assert.equal(file('/tmp/a/b-1.2+c', 'evil')?.finding?.next[0], 'ls -l /tmp/a/b-1.2+c');
  });

  test('that begins with a dash is no option of a command', () => {
    assert.deepEqual(file('--help', 'evil')?.finding?.next, ['assay reference capture --host web-03']);
  });

  test('of a violation is escaped too', () => {
    const { finding } = last((list) => list.violate('/tmp/\u001b[31mx\n')) ?? {};
    assert.equal(finding?.sentence.includes('/tmp/\\x1b[31mx\\x0a'), true);
  });
});

describe('boot_aggregate', () => {
  const PCRS_OF_OTHER_BOOT = new Map(PCRS).set(4, new Uint8Array(32).fill(99));
  const aggregate = (algorithm: HashName, value: Uint8Array): SimulatedList => {
    const list = new SimulatedList();
    list.append('ima-ng', { digest: { algorithm, value }, name: utf8('boot_aggregate') });
    return list;
  };

  test('of the quoted boot PCRs is fine, with and without reference values', () => {
    for (const reference of [null, KNOWN]) {
      assert.deepEqual(judged(begun(), reference), [{ number: 1, status: 'boot-aggregate' }]);
    }
  });

  const wrong: Readonly<Record<string, SimulatedList>> = {
    'of another boot': aggregate('sha256', bootAggregate(nodeHasher, 'sha256', PCRS_OF_OTHER_BOOT)),
    'of PCR 0 to 7 only': aggregate('sha256', nodeHasher.digest('sha256', ...[...PCRS.values()].slice(0, 8))),
    'of zeros, as a kernel without a TPM has it': aggregate('sha256', new Uint8Array(32)),
    'of the SHA-1 bank, which is not quoted': aggregate('sha1', new Uint8Array(20).fill(1)),
    'of the SHA-384 bank, which is not quoted': aggregate('sha384', new Uint8Array(48).fill(1)),
  };
  for (const [name, list] of Object.entries(wrong)) {
    test(`${name} fails the host, with and without reference values`, () => {
      for (const reference of [null, KNOWN]) {
        assert.deepEqual(summary(judged(list, reference)[0]), ['boot-aggregate', 'BOOT-AGGREGATE', 'failed']);
      }
    });
  }

  test('as the name of a file is judged as boot_aggregate, which no program can pass for', () => {
    assert.deepEqual(summary(file('boot_aggregate', 'good')), ['boot-aggregate', 'BOOT-AGGREGATE', 'failed']);
  });

  test('that is missing where the list begins fails the host', () => {
    const list = new SimulatedList();
    list.measure('/usr/bin/good', digestOf('good'));
    const judgements = judged(list);
    assert.deepEqual(summary(judgements[0]), ['known', 'BOOT-AGGREGATE', 'failed']);
    assert.match(judgements[0]?.finding?.sentence ?? '', /does not begin with boot_aggregate/);
  });
});

describe('the records of the engine', () => {
  const at = (name: string, before: number): Judgement | undefined =>
    last((list) => {
      for (let i = 0; i < before; i++) list.measure('/usr/bin/good', digestOf('good'));
      list.append('ima-buf', record(name));
    });

  test('a start as the second entry is how a list begins', () => {
    assert.deepEqual(summary(at('assay-engine-start', 0)), ['engine-record', null, null]);
  });

  test('a later start follows a gap', () => {
    assert.deepEqual(summary(at('assay-engine-start', 1)), ['engine-record', 'ENGINE-GAP', 'warning']);
  });

  test('lost events are a gap', () => {
    assert.deepEqual(summary(at('assay-engine-gap', 1)), ['engine-record', 'ENGINE-GAP', 'warning']);
  });

  test('a stop is no finding by itself', () => {
    assert.deepEqual(summary(at('assay-engine-stop', 3)), ['engine-record', null, null]);
  });

  test('a change of the mode is no finding by itself', () => {
    assert.deepEqual(summary(at('assay-engine-mode', 3)), ['engine-record', null, null]);
  });

  test('a file of that name is a file', () => {
    for (const name of ['assay-engine-start', 'assay-engine-stop']) {
      assert.deepEqual(summary(file(name, 'evil')), ['unknown', 'IMA-UNKNOWN-DIGEST', 'failed']);
    }
  });

  test('a file entry whose unproved template name was changed to ima-buf is judged by its digest all the same', () => {
    const list = begun();
    const digest = { algorithm: 'sha256' as const, value: digestOf('evil') };
    list.append('ima-sig', { digest, name: utf8('assay-engine-stop'), signature: new Uint8Array(0) });
    const { entries } = parseBinaryList(list.bytes(), { bank: 'sha256' });
    const relabelled = concat(entries.map((entry) => encodeBinaryEntry(relabel(entry))));
    const context = { host: 'web-03', reference: KNOWN, bootPcrs: PCRS, hasher: nodeHasher };
    const [, judgement] = judgeEntries(parseBinaryList(relabelled, { bank: 'sha256' }).entries, context);
    assert.deepEqual(summary(judgement), ['unknown', 'IMA-UNKNOWN-DIGEST', 'failed']);
  });

  function relabel(entry: MeasurementEntry): MeasurementEntry {
    return entry.template === 'ima-sig' ? { ...entry, template: 'ima-buf' } : entry;
  }
});

describe('what else a list holds', () => {
  test('a violation is a warning, with and without reference values, whatever its name', () => {
    for (const name of ['/usr/bin/good', 'boot_aggregate', 'assay-engine-stop']) {
      for (const reference of [null, KNOWN]) {
        const judgement = last((list) => list.violate(name), reference);
        assert.deepEqual(summary(judgement), ['violation', 'IMA-VIOLATION-TOMTOU', 'warning']);
      }
    }
  });

  const measured = (template: TemplateName, fields: EntryFields) => last((list) => list.append(template, fields));

  test('a buffer is judged by its digest, as a file is', () => {
    assert.deepEqual(summary(measured('ima-buf', record('.ima', utf8('good')))), ['known', null, null]);
    assert.deepEqual(summary(measured('ima-buf', record('.ima', utf8('evil')))), [
      'unknown',
      'IMA-UNKNOWN-DIGEST',
      'failed',
    ]);
  });

  test('a signature in ima-sig changes nothing: it is not checked here', () => {
    const digest = { algorithm: 'sha256' as const, value: digestOf('evil') };
    const signed = measured('ima-sig', { digest, name: utf8('/tmp/x'), signature: Uint8Array.of(3, 2, 4) });
    assert.deepEqual(summary(signed), ['unknown', 'IMA-UNKNOWN-DIGEST', 'failed']);
  });

  test('each entry has one judgement, with its number, in order', () => {
    const list = begun();
    for (const content of ['good', 'evil', 'config']) list.measure(`/tmp/${content}`, digestOf(content));
    assert.deepEqual(
      judged(list).map(({ number, status }) => [number, status]),
      [
        [1, 'boot-aggregate'],
        [2, 'known'],
        [3, 'unknown'],
        [4, 'known'],
      ],
    );
  });
});
