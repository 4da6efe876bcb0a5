import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { concat, toHex, utf8 } from '@assay/core/bytes';
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
import {
  agileLog,
  authority,
  CERTIFICATE,
  config,
  GLOBAL,
  GOOD,
  little,
  secureBootAttacks,
  separator,
  SHIM,
  signatureList,
  variable,
  withChanges,
  SHA256,
  VARIABLE_AUTHORITY,
  VARIABLE_DRIVER_CONFIG,
  type ForgedEvent,
} from '@assay/testkit/forge';
import fc from 'fast-check';
import { OTHERS, othersLog, othersLogs, othersMissing, ours } from './eventlog-vectors.ts';

function secureBoot(events: readonly ForgedEvent[]): ReturnType<typeof secureBootOf> {
  return secureBootOf(nodeHasher, parseEventLog(agileLog(events)), 'sha256');
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

  test('stays on when shim vouches for an image and db for shim', () => {
    assert.equal(secureBoot([...withChanges({}), authority(CERTIFICATE, SHIM, 'Shim')]).state, 'on');
  });

  test('stays on when the vendor_db of shim, under the GUID of db, vouches for an image and db for shim', () => {
    const vendorDb = authority(CERTIFICATE, undefined, 'vendor_db');
    assert.equal(secureBoot([...withChanges({}), vendorDb]).state, 'on');
    const { state, reasons } = secureBoot(withChanges({ authority: vendorDb }));
    assert.equal(state, 'unknown');
    assert.match(reasons.join(), /db does not vouch for shim/);
  });

  test('stays on without DMA protection, with a note', () => {
    const action: ForgedEvent = { pcr: 7, type: 0x80000007, data: utf8('DMA Protection Disabled') };
    const { state, notes } = secureBoot([action, ...withChanges({})]);
    assert.equal(state, 'on');
    assert.match(notes.join('\n'), /DMA protection/);
  });

  for (const { number, name, reason, events } of secureBootAttacks()) {
    test(`case ${number}: is unknown with ${name}, for that reason`, () => {
      const { state, reasons } = secureBoot(events);
      assert.equal(state, 'unknown');
      assert.match(reasons.join('\n'), reason);
    });
  }
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

test('boot variables that stand in one event are counted; other events hold one', () => {
  const order = variable(GLOBAL, 'BootOrder', Uint8Array.of(1, 0));
  const data = concat([
    order,
    variable(GLOBAL, 'Boot0001', Uint8Array.of(1)),
    variable(GLOBAL, 'Boot0002', new Uint8Array(9)),
  ]);
  const { decoded } = only({ pcr: 1, type: 0x80000002, data });
  assert.ok(decoded.kind === 'variable');
  assert.deepEqual([decoded.name, decoded.length, decoded.following], ['BootOrder', 2, 2]);
  assert.equal(only({ pcr: 1, type: 0x80000002, data: data.subarray(0, -1) }).decoded.kind, 'malformed');
  assert.equal(only({ pcr: 7, type: VARIABLE_DRIVER_CONFIG, data }).decoded.kind, 'malformed');
});

test('a tagged event may be a bare text', () => {
  const { decoded } = only({ pcr: 3, type: 6, data: utf8('LOADED_IMAGE::LoadOptions\0') });
  assert.deepEqual(decoded, { kind: 'loader-text', text: 'LOADED_IMAGE::LoadOptions' });
});

test('a version and what an Intel management engine says may be hashed otherwise: that contradicts nothing', () => {
  for (const type of [8, 0x11]) {
    assert.deepEqual(
      coverageOf(nodeHasher, only({ pcr: 0, type, data: utf8('2.3.5'), hashed: utf8('x') }).event, 'sha256'),
      {
        covers: 'nothing',
      },
    );
  }
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
  const { decoded } = only({ pcr: 7, type: VARIABLE_DRIVER_CONFIG, data: utf8('short') });
  assert.ok(decoded.kind === 'malformed');
  assert.deepEqual([decoded.problem.code, decoded.problem.place.entry], ['BYTES-TRUNCATED', 2]);
});

test('any data of any type are decoded or malformed', () => {
  const types = [
    0,
    3,
    4,
    5,
    6,
    8,
    0xd,
    ...Array.from({ length: 17 }, (_, type) => 0x80000000 + type),
    VARIABLE_AUTHORITY,
  ];
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
