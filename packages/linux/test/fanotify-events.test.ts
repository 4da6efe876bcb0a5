import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, concat } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { parseFanotifyEvents } from '@assay/linux/fanotify';
import * as fc from 'fast-check';

interface Raw {
  version?: number;
  metadataLength?: number;
  mask?: bigint;
  fd?: number;
  pid?: number;
  information?: Uint8Array;
  length?: number;
}

const OPEN_EXEC = 0x1000n;
const OVERFLOW = 0x4000n;

function event(raw: Raw): Uint8Array {
  const information = raw.information ?? new Uint8Array();
  return new ByteWriter({ littleEndian: true })
    .u32(raw.length ?? 24 + information.length)
    .u8(raw.version ?? 3)
    .u8(0)
    .u16(raw.metadataLength ?? 24)
    .u64(raw.mask ?? OPEN_EXEC)
    .u32((raw.fd ?? 7) >>> 0)
    .u32((raw.pid ?? 42) >>> 0)
    .bytes(information)
    .finish();
}

test('events of one read are found one after another, by their length', () => {
  const bytes = concat([
    event({ fd: 3, pid: 1, information: Uint8Array.of(4, 0, 8, 0, 9, 0, 0, 0) }),
    event({ fd: 4, pid: 0 }),
  ]);
  assert.deepEqual(parseFanotifyEvents(bytes), [
    { mask: OPEN_EXEC, fd: 3, pid: 1, overflow: false },
    { mask: OPEN_EXEC, fd: 4, pid: 0, overflow: false },
  ]);
});

test('an overflow event has no descriptor and says that events are lost', () => {
  const [overflow] = parseFanotifyEvents(event({ mask: OVERFLOW, fd: -1, pid: 0 }));
  assert.deepEqual(overflow, { mask: OVERFLOW, fd: undefined, pid: 0, overflow: true });
});

const refused: [string, Raw, string][] = [
  ['a length under that of the metadata', { length: 23 }, 'FANOTIFY-EVENT'],
  ['a length of zero, which would never end', { length: 0 }, 'FANOTIFY-EVENT'],
  ['a length over what was read', { length: 25 }, 'BYTES-TRUNCATED'],
  ['another version', { version: 4 }, 'FANOTIFY-EVENT'],
  ['another metadata length', { metadataLength: 32 }, 'FANOTIFY-EVENT'],
  ['a negative descriptor that is not FAN_NOFD', { fd: -2 }, 'FANOTIFY-EVENT'],
];
for (const [what, raw, code] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(() => parseFanotifyEvents(event(raw)), { name: 'FormatError', code });
  });
}

test('what is encoded is read back, whatever information records follow', () => {
  const raws = fc.array(
    fc.record({
      mask: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fd: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      pid: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      information: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(raws, (list) => {
      const parsed = parseFanotifyEvents(concat(list.map(event)));
      assert.deepEqual(
        parsed.map(({ mask, fd, pid }) => ({ mask, fd: fd ?? -1, pid })),
        list.map(({ mask, fd, pid }) => ({ mask, fd, pid })),
      );
    }),
  );
});

test('any bytes are read or refused with a FormatError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseFanotifyEvents(bytes);
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }),
  );
});
