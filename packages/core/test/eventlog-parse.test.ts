import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex, utf8 } from '@assay/core/bytes';
import { FormatError, type FormatCode } from '@assay/core/errors';
import { comparePcrs, parseEventLog, replayEventLog } from '@assay/core/eventlog';
import { nodeHasher } from '@assay/core/node';
import fc from 'fast-check';
import {
  agileLog,
  agileRecord,
  little,
  separator,
  sha1Record,
  specIdData,
  startupLocality,
  type ForgedEvent,
} from '@assay/testkit/forge';
import { ours } from './eventlog-vectors.ts';

function assertRefused(bytes: Uint8Array, code: FormatCode, message?: RegExp): void {
  assert.throws(
    () => parseEventLog(bytes),
    (error) =>
      error instanceof FormatError && error.code === code && (message === undefined || message.test(error.message)),
  );
}

const SHA1 = [4, 20] as const;
const SHA256 = [11, 32] as const;
const CRTM: ForgedEvent = { pcr: 0, type: 8, data: utf8('crtm') };

function withSpecId(data: Uint8Array): Uint8Array {
  return sha1Record(0, 3, data);
}

describe('case 49: the Spec ID event', () => {
  test('with a wrong digest size, or an algorithm twice, is refused', () => {
    assertRefused(withSpecId(specIdData([SHA1, [11, 20]])), 'EVENTLOG-SPEC-ID', /digest of 20 bytes/);
    assertRefused(withSpecId(specIdData([SHA256, SHA256])), 'EVENTLOG-SPEC-ID', /twice/);
    assertRefused(withSpecId(specIdData([[0x4444, 0]])), 'EVENTLOG-SPEC-ID', /digest of 0 bytes/);
  });

  test('with no algorithm or 0xffffffff of them is refused, before anything is allocated', () => {
    assertRefused(withSpecId(specIdData([])), 'EVENTLOG-SPEC-ID', /is 0/);
    const data = specIdData([SHA1]);
    data.set([0xff, 0xff, 0xff, 0xff], 24);
    assertRefused(withSpecId(data), 'BYTES-LIMIT', /numberOfAlgorithms/);
  });

  test('with vendor information past its end, or bytes behind it, is refused', () => {
    const data = specIdData([SHA1]);
    assertRefused(withSpecId(concat([data.subarray(0, -1), Uint8Array.of(9)])), 'BYTES-TRUNCATED', /vendorInfo/);
    assertRefused(withSpecId(concat([data, Uint8Array.of(0)])), 'BYTES-TRAILING');
  });

  test('may declare an algorithm that Assay does not know: its digests are skipped by their size', () => {
    const record = little().u32(0).u32(8).u32(2).u16(0x4444).bytes(new Uint8Array(32)).u16(4);
    const bytes = record
      .bytes(nodeHasher.digest('sha1', utf8('x')))
      .u32(1)
      .bytes(utf8('x'))
      .finish();
    const log = parseEventLog(concat([withSpecId(specIdData([SHA1, [0x4444, 32]])), bytes]));
    assert.deepEqual(log.banks, ['sha1']);
    assert.deepEqual([...(log.events[1]?.digests.keys() ?? [])], ['sha1']);
  });
});

describe('case 50: a record', () => {
  const head = withSpecId(specIdData([SHA1, SHA256]));
  const digests = (count: number, ...ids: number[]) => {
    const writer = little().u32(0).u32(8).u32(count);
    for (const id of ids) writer.u16(id).bytes(new Uint8Array(id === 11 ? 32 : 20));
    return concat([head, writer.u32(1).bytes(utf8('x')).finish()]);
  };

  test('with no digest, too many, or two of one bank is refused', () => {
    assertRefused(digests(0), 'EVENTLOG-EVENT', /has no digest/);
    assertRefused(digests(0xffffffff, 4), 'BYTES-LIMIT', /digestCount/);
    assertRefused(digests(2, 4, 4), 'EVENTLOG-EVENT', /two digests/);
    assertRefused(digests(1, 0xc), 'EVENTLOG-EVENT', /not declared/);
  });

  test('of PCR 24, 32 or 0xffffffff is refused', () => {
    for (const pcr of [24, 32, 0xffffffff]) assertRefused(agileLog([{ ...CRTM, pcr }]), 'EVENTLOG-EVENT', /exist/);
    assert.equal(parseEventLog(agileLog([{ ...CRTM, type: 3, pcr: 0xffffffff }])).events.length, 2);
  });

  test('that claims more data than there are is refused, with its offset', () => {
    const bytes = agileLog([CRTM]);
    const sizeAt = bytes.length - CRTM.data.length - 4;
    bytes.set([0xff, 0xff, 0xff, 0xb2], sizeAt);
    assert.throws(
      () => parseEventLog(bytes),
      (error) => error instanceof FormatError && error.code === 'BYTES-TRUNCATED' && error.place.entry === 2,
    );
  });

  test('is one of at most 100,000, and a log has at most 16 MiB', { timeout: 10_000 }, () => {
    const one = sha1Record(0, 8, utf8('x'));
    assertRefused(concat(Array.from({ length: 100_001 }, () => one)), 'BYTES-LIMIT', /100000 events/);
    assertRefused(new Uint8Array(16 * 1024 * 1024 + 1), 'BYTES-LIMIT', /16777217 bytes/);
  });
});

describe('case 48: EV_NO_ACTION', () => {
  const pcr0 = (events: readonly ForgedEvent[]) =>
    toHex(replayEventLog(nodeHasher, parseEventLog(agileLog(events)), 'sha256').get(0) ?? new Uint8Array());

  test('never extends, whatever its digest', () => {
    assert.equal(pcr0([CRTM, { pcr: 0, type: 3, data: utf8('SP800-155 Event3'), fill: 0x55 }]), pcr0([CRTM]));
  });

  test('StartupLocality is what PCR 0 starts at', () => {
    const start = new Uint8Array(32);
    for (const locality of [0, 3, 4]) {
      start[31] = locality;
      const expected = nodeHasher.digest('sha256', start, nodeHasher.digest('sha256', CRTM.data));
      assert.equal(pcr0([startupLocality(locality), CRTM]), toHex(expected));
    }
  });

  test('StartupLocality twice, after PCR 0 was extended, in another PCR or of another locality is refused', () => {
    assertRefused(agileLog([startupLocality(3), startupLocality(3), CRTM]), 'EVENTLOG-EVENT', /second/);
    assertRefused(agileLog([CRTM, startupLocality(3)]), 'EVENTLOG-EVENT', /after PCR 0/);
    assertRefused(agileLog([{ ...startupLocality(3), pcr: 1 }, CRTM]), 'EVENTLOG-EVENT', /outside PCR 0/);
    for (const locality of [1, 2, 5, 200]) {
      assertRefused(agileLog([startupLocality(locality), CRTM]), 'EVENTLOG-EVENT', /none of 0, 3 and 4/);
    }
  });

  test('a StartupLocality that is not logged explains PCR 0, by name of the fault', () => {
    const value = fromHex(pcr0([startupLocality(3), CRTM]));
    const [compared] = comparePcrs(nodeHasher, parseEventLog(agileLog([CRTM])), [{ bank: 'sha256', pcr: 0, value }]);
    assert.deepEqual([compared?.state, compared?.quirk], ['matches', 'startup-locality-not-logged']);
    const logged = parseEventLog(agileLog([startupLocality(0), CRTM]));
    assert.equal(comparePcrs(nodeHasher, logged, [{ bank: 'sha256', pcr: 0, value }])[0]?.state, 'differs');
  });
});

describe('case 51: the order of records', () => {
  const events = [CRTM, { ...CRTM, pcr: 1 }, separator(0), separator(1)];
  const pcrsOf = (list: readonly ForgedEvent[]) => replayEventLog(nodeHasher, parseEventLog(agileLog(list)), 'sha256');

  test('is not proved between PCRs', () => {
    const [a, b, c, d] = events;
    assert.ok(a && b && c && d);
    assert.deepEqual(pcrsOf([b, a, d, c]), pcrsOf(events));
  });

  test('within a PCR is; a log cut at the end of a record leads to other values', () => {
    const expected = [...pcrsOf(events)].map(([pcr, value]) => ({ bank: 'sha256' as const, pcr, value }));
    const swapped = [...events].toReversed();
    for (const list of [swapped, events.slice(0, 3), events.slice(0, 2)]) {
      const compared = comparePcrs(nodeHasher, parseEventLog(agileLog(list)), expected);
      assert.ok(compared.some(({ state }) => state === 'differs'));
    }
  });
});

describe('the end of a log', () => {
  const bytes = agileLog([CRTM, separator(0)]);

  test('may be padded with zeros or 0xff', () => {
    for (const value of [0, 0xff]) {
      const log = parseEventLog(concat([bytes, new Uint8Array(4096).fill(value)]));
      assert.equal(log.events.length, 3);
      assert.ok(log.padding >= 4096 - 4);
    }
  });

  test('is nothing else: a zero record is none, and neither is what follows padding', () => {
    assertRefused(concat([bytes, new Uint8Array(16), agileRecord(CRTM)]), 'EVENTLOG-EVENT', /has no digest/);
    assertRefused(concat([bytes, new Uint8Array(16).fill(0xff), Uint8Array.of(1)]), 'EVENTLOG-EVENT', /exist/);
    assertRefused(concat([bytes, new Uint8Array(7)]), 'BYTES-TRUNCATED');
    assertRefused(new Uint8Array(), 'BYTES-TRUNCATED');
  });
});

test('a log whose first record is no Spec ID event is of TPM 1.2', () => {
  const short = sha1Record(0, 3, utf8('Spec ID'));
  const old = sha1Record(0, 3, utf8('Spec ID Event02\0rest'));
  for (const first of [short, old, sha1Record(0, 8, utf8('crtm'))]) {
    const log = parseEventLog(concat([first, sha1Record(1, 4, new Uint8Array(4))]));
    assert.deepEqual([log.format, log.banks, log.events.length], ['tpm1.2', ['sha1'], 2]);
  }
});

function parsedOrRefused(bytes: Uint8Array): 'parsed' | 'refused' {
  try {
    const log = parseEventLog(bytes);
    for (const bank of log.banks) replayEventLog(nodeHasher, log, bank);
    return 'parsed';
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return 'refused';
  }
}

describe('hostile bytes', () => {
  const { bytes } = ours();

  test('a log cut at any offset is refused, or it ends with a record', () => {
    const { events } = parseEventLog(bytes);
    const ends = new Set(events.map(({ data }) => data.byteOffset + data.length - bytes.byteOffset));
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(parsedOrRefused(bytes.subarray(0, length)), ends.has(length) ? 'parsed' : 'refused', `${length}`);
    }
  });

  test('a log with changed bytes is refused or parsed, in bounded time', { timeout: 60_000 }, () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const changed = Uint8Array.from(bytes);
        for (const [at, value] of changes) changed[at] = value;
        parsedOrRefused(changed);
      }),
      { numRuns: 2000 },
    );
  });

  test('any bytes are refused or parsed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void parsedOrRefused(any)),
      { numRuns: 2000 },
    );
  });
});
