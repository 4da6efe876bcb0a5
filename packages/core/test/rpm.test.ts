import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import { parseInstalledRpm } from '@assay/core/package';

type Value = readonly string[] | readonly number[];

/** A header as rpm's database has it; numbers are of 32 bits, the modes of 16. */
function headerOf(tags: readonly (readonly [tag: number, type: number, value: Value])[]): Uint8Array {
  const index: number[][] = [];
  const store: Buffer[] = [];
  let size = 0;
  for (const [tag, type, value] of tags) {
    index.push([tag, type, size, value.length]);
    for (const each of value) {
      const bytes = typeof each === 'string' ? Buffer.from(`${each}\0`) : number(each, type === 3 ? 2 : 4);
      store.push(bytes);
      size += bytes.length;
    }
  }
  const counts = [number(tags.length, 4), number(size, 4)];
  return Uint8Array.from(Buffer.concat([...counts, ...index.flat().map((each) => number(each, 4)), ...store]));
}

function number(value: number, size: 2 | 4): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

const TAGS: readonly (readonly [number, number, Value])[] = [
  [1000, 6, ['tiny']],
  [1001, 6, ['1.2']],
  [1002, 6, ['3']],
  [1003, 4, [1]],
  [1008, 4, [1_790_000_000]],
  [1022, 6, ['x86_64']],
  [1030, 3, [0o100755, 0o100644, 0o120777]],
  [1035, 8, ['aa', 'bb', '']],
  [1037, 4, [0, 1, 0]],
  [1116, 4, [0, 1, 0]],
  [1117, 8, ['tool', 'tool.conf', 'link']],
  [1118, 8, ['/usr/bin/', '/etc/']],
  [5011, 4, [8]],
];

function without(tag: number): Uint8Array {
  return headerOf(TAGS.filter(([each]) => each !== tag));
}

function replaced(tag: number, value: Value): Uint8Array {
  return headerOf(TAGS.map(([each, type, before]) => [each, type, each === tag ? value : before]));
}

describe("a header of rpm's database", () => {
  test('tells name, version, when it was installed, and its files with what people may change', () => {
    assert.deepEqual(parseInstalledRpm(headerOf(TAGS)), {
      name: 'tiny',
      version: '1:1.2-3',
      architecture: 'x86_64',
      installedAt: 1_790_000_000,
      files: [
        { path: '/usr/bin/tool', digest: 'sha256:aa', isConfiguration: false },
        { path: '/etc/tool.conf', digest: 'sha256:bb', isConfiguration: true },
      ],
    });
  });

  const bad: readonly [string, Uint8Array][] = [
    ['nothing', new Uint8Array(0)],
    ['no name', without(1000)],
    ['no version', without(1001)],
    ['lists of files of different lengths', replaced(1030, [0o100755])],
    ['a file in a directory that is not there', replaced(1116, [0, 9, 0])],
    ['digests of an unknown algorithm', replaced(5011, [99])],
    ['a tag twice', headerOf([...TAGS, [1000, 6, ['other']]])],
    ['text where numbers belong', headerOf(TAGS.map(([tag, , value]) => [tag, 6, value]))],
    ['bytes behind it', Uint8Array.from([...headerOf(TAGS), 0])],
    ['more tags than there can be', Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ];
  for (const [what, bytes] of bad) {
    test(`is refused for ${what}`, () => assert.throws(() => parseInstalledRpm(bytes), FormatError));
  }

  test('is refused wherever it is cut off', () => {
    const whole = headerOf(TAGS);
    for (let length = 0; length < whole.length; length += 1) {
      assert.throws(() => parseInstalledRpm(whole.subarray(0, length)), FormatError, `${length} bytes`);
    }
  });
});
