import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex, utf8 } from '@assay/core/bytes';
import {
  bootAggregateCandidates,
  comparePcrs,
  coverageOf,
  decodeEvent,
  parseEventLog,
  parseSignatureLists,
  parseVariable,
  replayEventLog,
  secureBootOf,
  type BootEvent,
  type DecodedEvent,
  type ParsedEventLog,
} from '@assay/core/eventlog';
import type { HashName } from '@assay/core/hash';
import { bootAggregate, parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import fc from 'fast-check';
import { agileLog, little, separator, type ForgedEvent } from './eventlog-forge.ts';
import { OTHERS, othersLog, othersLogs, othersMissing, ours } from './eventlog-vectors.ts';

const GLOBAL = fromHex('61dfe48bca93d211aa0d00e098032b8c');
const SECURITY = fromHex('cbb219d73a3d9645a3bcdad00e67656f');
const SHIM = fromHex('50ab5d6046e00043abb63dd810dd8b23');
const DRIVER_CONFIG = 0x80000001;
const AUTHORITY = 0x800000e0;

function variable(vendor: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  const head = little().bytes(vendor).u64(BigInt(name.length)).u64(BigInt(data.length));
  return head.bytes(Buffer.from(name, 'utf16le')).bytes(data).finish();
}

const OWNER = new Uint8Array(16).fill(7);
const X509 = fromHex('a159c0a5e494a74a87b5ab155c2bf072');
const SHA256 = fromHex('2616c4c14c509240aca941f936934328');

function signatureList(type: Uint8Array, data: Uint8Array): Uint8Array {
  const size = 16 + data.length;
  return little()
    .bytes(type)
    .u32(28 + size)
    .u32(0)
    .u32(size)
    .bytes(OWNER)
    .bytes(data)
    .finish();
}

const CERTIFICATE = utf8('a certificate');
const REVOKED = utf8('a revoked certificate');

function config(name: string, data: Uint8Array): ForgedEvent {
  const vendor = name.startsWith('db') ? SECURITY : GLOBAL;
  return { pcr: 7, type: DRIVER_CONFIG, data: variable(vendor, name, data) };
}

function authority(data: Uint8Array, vendor = SECURITY, name = 'db'): ForgedEvent {
  return { pcr: 7, type: AUTHORITY, data: variable(vendor, name, data) };
}

const GOOD = {
  secureBoot: config('SecureBoot', Uint8Array.of(1)),
  pk: config('PK', signatureList(X509, CERTIFICATE)),
  kek: config('KEK', signatureList(X509, CERTIFICATE)),
  db: config('db', signatureList(X509, CERTIFICATE)),
  dbx: config('dbx', concat([signatureList(SHA256, new Uint8Array(32)), signatureList(X509, REVOKED)])),
  separator: separator(7),
  authority: authority(concat([OWNER, CERTIFICATE])),
};

function secureBoot(events: readonly ForgedEvent[]): ReturnType<typeof secureBootOf> {
  return secureBootOf(nodeHasher, parseEventLog(agileLog(events)), 'sha256');
}

/** The good records with some of them changed, or left out. */
function withChanges(changes: Partial<Record<keyof typeof GOOD, ForgedEvent | undefined>>): ForgedEvent[] {
  return Object.values({ ...GOOD, ...changes }).filter((event) => event !== undefined);
}

function assertUnknown(events: readonly ForgedEvent[], reason: RegExp): void {
  const { state, reasons } = secureBoot(events);
  assert.equal(state, 'unknown');
  assert.match(reasons.join('\n'), reason);
}

describe('Secure Boot', () => {
  test('is on when keys, databases and an authority in db say so', () => {
    const { state, reasons, authorities, revoked } = secureBoot(withChanges({}));
    assert.deepEqual({ state, reasons, revoked }, { state: 'on', reasons: [], revoked: 2 });
    assert.deepEqual(authorities, { before: [], after: ['db'] });
  });

  test('is off when its variable is 0', () => {
    const { state, reasons } = secureBoot(withChanges({ secureBoot: config('SecureBoot', Uint8Array.of(0)) }));
    assert.deepEqual({ state, reasons }, { state: 'off', reasons: [] });
  });

  test('case 46: is unknown when a record of PCR 7 is relabelled', () => {
    const unused = { ...GOOD.dbx, type: 2 };
    assertUnknown(withChanges({ dbx: unused }), /does not belong in PCR 7/);
    const likeSeparator = { ...config('extra', Uint8Array.of()), hashed: new Uint8Array(4) };
    assertUnknown([...withChanges({}), likeSeparator], /hashes like a separator/);
  });

  test('case 46: is unknown with a second separator, another value of it, or none', () => {
    assertUnknown([...withChanges({}), GOOD.separator], /second separator/);
    for (const value of [0xffffffff, 1]) {
      assertUnknown(withChanges({ separator: separator(7, value) }), /another value than 0/);
    }
    assertUnknown(withChanges({ separator: undefined }), /no separator/);
  });

  test('case 46: is unknown with a variable after the separator, twice or out of order', () => {
    assertUnknown([...withChanges({}), config('SecureBoot', Uint8Array.of(1))], /after the separator.*second time/s);
    assertUnknown([GOOD.secureBoot, ...withChanges({})], /second time/);
    assertUnknown([GOOD.pk, ...withChanges({ pk: undefined })], /out of order/);
  });

  test('is unknown when the data of a record are not what was hashed', () => {
    const off = config('SecureBoot', Uint8Array.of(0));
    assertUnknown(withChanges({ secureBoot: { ...GOOD.secureBoot, hashed: off.data } }), /not what was hashed/);
  });

  test('case 53: is unknown when it claims to be on without an authority, or with one that db does not have', () => {
    assertUnknown(withChanges({ authority: undefined }), /no authority is recorded/);
    assertUnknown(withChanges({ authority: authority(concat([OWNER, utf8('other')])) }), /not in db/);
    assertUnknown(withChanges({ authority: authority(concat([OWNER, CERTIFICATE]), GLOBAL, 'db') }), /no database/);
  });

  test('case 53: is unknown when an authority is in dbx', () => {
    const both = concat([signatureList(X509, CERTIFICATE), signatureList(X509, REVOKED)]);
    const revoked = authority(concat([OWNER, REVOKED]));
    assertUnknown(withChanges({ db: config('db', both), authority: revoked }), /is in dbx/);
  });

  test('case 53: is unknown when the variable is empty, two bytes long or 2', () => {
    for (const value of [[], [1, 0], [2]]) {
      assertUnknown(withChanges({ secureBoot: config('SecureBoot', Uint8Array.from(value)) }), /SecureBoot is/);
    }
  });

  test('is unknown with more authorities than any machine has', () => {
    const many = Array.from({ length: 257 }, () => GOOD.authority);
    assertUnknown([...withChanges({}), ...many], /more than 256 authorities/);
  });

  test('is unknown when shim vouches for an image and db does not vouch for shim', () => {
    const shim = authority(CERTIFICATE, SHIM, 'Shim');
    assertUnknown(withChanges({ authority: shim }), /does not vouch for shim/);
    assert.equal(secureBoot([...withChanges({}), shim]).state, 'on');
  });

  test('is unknown while a firmware debugger is active; missing DMA protection is a note', () => {
    const action = (text: string): ForgedEvent => ({ pcr: 7, type: 0x80000007, data: utf8(text) });
    assertUnknown([action('UEFI Debug Mode'), ...withChanges({})], /debugger/);
    const { state, notes } = secureBoot([action('DMA Protection Disabled'), ...withChanges({})]);
    assert.equal(state, 'on');
    assert.match(notes.join('\n'), /DMA protection/);
  });
});

describe('case 52: UEFI structures', () => {
  const good = variable(GLOBAL, 'SecureBoot', Uint8Array.of(1));

  test('a name length of 2^63, or data past the end or short of it, is refused', () => {
    const long = Uint8Array.from(good);
    long.set([0, 0, 0, 0, 0, 0, 0, 0x80], 16);
    assert.throws(() => parseVariable(long), { code: 'BYTES-LIMIT' });
    const past = Uint8Array.from(good);
    past.set([2], 24);
    assert.throws(() => parseVariable(past), { code: 'BYTES-TRUNCATED' });
    assert.throws(() => parseVariable(concat([good, Uint8Array.of(0)])), { code: 'BYTES-TRAILING' });
  });

  test('a signature list with sizes that do not fit is refused', () => {
    const list = signatureList(SHA256, new Uint8Array(32));
    const changed = (offset: number, value: number) => {
      const bytes = Uint8Array.from(list);
      new DataView(bytes.buffer).setUint32(offset, value, true);
      return bytes;
    };
    for (const [offset, value] of [
      [16, 27],
      [16, 0],
      [24, 0],
      [24, 16],
      [24, 47],
      [20, 1],
    ] as const) {
      assert.throws(() => parseSignatureLists(changed(offset, value)), { name: 'FormatError', code: 'EVENTLOG-DATA' });
    }
    assert.throws(() => parseSignatureLists(changed(16, 0xffffffff)), { name: 'FormatError' });
    assert.equal(parseSignatureLists(concat([list, list])).length, 2);
  });
});

function only(event: ForgedEvent): { event: BootEvent; decoded: DecodedEvent } {
  const found = parseEventLog(agileLog([event])).events[1];
  assert.ok(found !== undefined);
  return { event: found, decoded: decodeEvent(found) };
}

describe('what a digest covers', () => {
  const coverage = (event: ForgedEvent) => coverageOf(nodeHasher, only(event).event, 'sha256');

  test('case 47: the path of an image and the name of a file are hints', () => {
    const image = little().u64(1n).u64(2n).u64(3n).u64(0n).finish();
    assert.deepEqual(coverage({ pcr: 4, type: 0x80000003, data: image, hashed: utf8('pe') }), { covers: 'nothing' });
    const file = { pcr: 9, type: 0xd, data: utf8('/boot/vmlinuz\0'), hashed: utf8('kernel') };
    assert.deepEqual(coverage(file), { covers: 'nothing' });
    assert.deepEqual(coverage({ pcr: 0, type: 3, data: utf8('hint') }), { covers: 'unmeasured' });
  });

  test('data that their type says are hashed, and are not, are contradicted', () => {
    assert.deepEqual(coverage({ ...GOOD.secureBoot, hashed: utf8('other') }), { covers: 'contradicted' });
  });

  test('case 54: a GRUB text is proved with and without its NUL, and nothing else of it is', () => {
    const text = utf8('ro ima_policy=tcb');
    const withNul = concat([text, Uint8Array.of(0)]);
    const data = concat([utf8('kernel_cmdline: '), withNul]);
    const event = { pcr: 8, type: 0xd, data };
    assert.deepEqual(coverage({ ...event, hashed: text }), { covers: 'part', quirk: 'grub-prefix' });
    assert.deepEqual(coverage({ ...event, hashed: withNul }), { covers: 'part', quirk: 'grub-prefix-with-nul' });
    assert.deepEqual(coverage({ ...event, hashed: utf8('ro') }), { covers: 'nothing' });
    assert.deepEqual(only(event).decoded, { kind: 'kernel-command-line', text: 'ro ima_policy=tcb' });
  });
});

test('case 54: two kernel command lines are both shown', () => {
  const line = (text: string): ForgedEvent => ({ pcr: 8, type: 0xd, data: utf8(`kernel_cmdline: ${text}\0`) });
  const { events } = parseEventLog(agileLog([line('a'), line('b')]));
  const lines = events.map(decodeEvent).filter(({ kind }) => kind === 'kernel-command-line');
  assert.equal(lines.length, 2);
});

test('names and texts come escaped', () => {
  const hostile = `\u001b[2J\u202e`;
  const escaped = String.raw`\x1b[2J\u{202e}`;
  const command = only({ pcr: 8, type: 0xd, data: utf8(`grub_cmd: ${hostile}\0`) }).decoded;
  assert.deepEqual(command, { kind: 'grub-command', text: escaped });
  const { decoded } = only(config(hostile, Uint8Array.of(1)));
  assert.ok(decoded.kind === 'variable' && decoded.name === escaped);
});

test('data in another form than their type has are malformed, by a typed error with its place', () => {
  const { decoded } = only({ pcr: 7, type: DRIVER_CONFIG, data: utf8('short') });
  assert.ok(decoded.kind === 'malformed');
  assert.deepEqual([decoded.problem.code, decoded.problem.place.entry], ['BYTES-TRUNCATED', 2]);
});

test('any data of any type are decoded or malformed', () => {
  const types = [0, 3, 4, 5, 6, 8, 0xd, ...Array.from({ length: 17 }, (_, type) => 0x80000000 + type), AUTHORITY];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.nat(23), fc.uint8Array({ maxLength: 200 }), (type, pcr, data) => {
      const log = parseEventLogOf({ pcr, type, data });
      for (const event of log?.events ?? []) {
        decodeEvent(event);
        coverageOf(nodeHasher, event, 'sha256');
      }
      if (log !== undefined) secureBootOf(nodeHasher, log, 'sha256');
    }),
    { numRuns: 3000 },
  );
});

/** @returns undefined where the data make a StartupLocality that is refused */
function parseEventLogOf(event: ForgedEvent): ParsedEventLog | undefined {
  return event.type === 3 && Buffer.from(event.data).toString('latin1').startsWith('Startup')
    ? undefined
    : parseEventLog(agileLog([event]));
}

describe('the log of our guest', () => {
  const { bytes, pcrs } = ours();
  const log = parseEventLog(bytes);

  test('has no record that is malformed or contradicted', () => {
    for (const event of log.events) {
      assert.notEqual(decodeEvent(event).kind, 'malformed', `event ${event.number}`);
      assert.notEqual(coverageOf(nodeHasher, event, 'sha256').covers, 'contradicted', `event ${event.number}`);
    }
  });

  test('leads to the boot_aggregate of the PCR values in every bank', () => {
    for (const bank of log.banks) {
      const values = new Map(pcrs.filter((one) => one.bank === bank).map((one) => [one.pcr, one.value]));
      const expected = toHex(bootAggregate(nodeHasher, bank, values));
      const found = bootAggregateCandidates(nodeHasher, log).find(({ digest }) => digest === expected);
      assert.deepEqual([found?.bank, found?.lastPcr], [bank, bank === 'sha1' ? 7 : 9]);
    }
  });

  test('case 55: boot_aggregate in the list of its kernel is one of the candidates, and tells which', () => {
    const list = readFileSync(
      new URL('vectors/lists/every-template/binary_runtime_measurements_sha1', import.meta.url),
    );
    const [first] = parseBinaryList(list, { bank: 'sha1' }).entries;
    const digest = first?.fields.digest;
    const found = bootAggregateCandidates(nodeHasher, log).filter((one) => one.digest === toHex(digest?.value ?? list));
    assert.deepEqual(
      found.map(({ bank, lastPcr }) => ({ bank, lastPcr })),
      [{ bank: digest?.algorithm, lastPcr: 9 }],
    );
  });
});

test('the end of boot services that is not logged explains PCR 5, by name of the fault', () => {
  const exit = ['Exit Boot Services Invocation', 'Exit Boot Services Returned with Success'];
  const events = [separator(5), ...exit.map((text): ForgedEvent => ({ pcr: 5, type: 0x80000007, data: utf8(text) }))];
  const value = replayEventLog(nodeHasher, parseEventLog(agileLog(events)), 'sha256').get(5);
  assert.ok(value !== undefined);
  for (const [length, quirk] of [
    [3, undefined],
    [2, 'exit-boot-services-not-logged'],
    [1, 'exit-boot-services-not-logged'],
  ] as const) {
    const log = parseEventLog(agileLog(events.slice(0, length)));
    const [compared] = comparePcrs(nodeHasher, log, [{ bank: 'sha256', pcr: 5, value }]);
    assert.deepEqual([compared?.state, compared?.quirk], ['matches', quirk]);
  }
});

interface Derived {
  readonly enabled: boolean | 'empty' | null;
  readonly vars: Readonly<Record<string, number>>;
  readonly authorityBefore: readonly string[];
  readonly authorityAfter: readonly string[];
}

describe('logs of other projects', { skip: othersMissing }, () => {
  const derived = (): Record<string, Derived> =>
    JSON.parse(readFileSync(join(OTHERS, 'derived-secureboot.json'), 'utf8')) as Record<string, Derived>;
  const bankOf = (log: ParsedEventLog): HashName => (log.banks.includes('sha256') ? 'sha256' : 'sha1');

  for (const [name, expected] of Object.entries(othersMissing === false ? derived() : {})) {
    test(`${name}: Secure Boot is what was derived by others`, () => {
      const log = othersLog(name);
      const found = secureBootOf(nodeHasher, log, bankOf(log));
      const variableState = expected.enabled === null ? 'absent' : expected.enabled === 'empty' ? 'empty' : undefined;
      assert.equal(found.variable, variableState ?? (expected.enabled === true ? 'on' : 'off'));
      assert.deepEqual(found.authorities, { before: expected.authorityBefore, after: expected.authorityAfter });
      // A fragment without the separator proves nothing, whatever its variable says.
      const whole = typeof expected.enabled === 'boolean' && Object.keys(expected.vars).length > 1;
      assert.equal(found.state, whole ? found.variable : 'unknown', found.reasons.join('\n'));
      assert.equal(found.reasons.length > 0, !whole);
    });
  }

  for (const name of othersLogs().filter((one) => !one.includes('specid-vendordata'))) {
    test(`${name}: every record is decoded, and none is contradicted`, () => {
      const log = othersLog(name);
      for (const event of log.events) {
        const decoded = decodeEvent(event);
        assert.notEqual(decoded.kind, 'malformed', `event ${event.number}`);
        const { covers } = coverageOf(nodeHasher, event, bankOf(log));
        assert.notEqual(covers, 'contradicted', `event ${event.number} ${decoded.kind}`);
        if (decoded.kind.endsWith('command-line') || decoded.kind === 'grub-command') {
          assert.match(covers, /^(?:all|part)$/, `event ${event.number}`);
        }
      }
    });
  }
});
