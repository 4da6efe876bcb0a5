import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { base64, Digest, Hex, HostId, HostName, Time } from '@assay/wire';

/** Just enough of a schema. */
interface Checks {
  safeParse(value: unknown): { success: boolean };
}

const takes = (schema: Checks, value: unknown): boolean => schema.safeParse(value).success;

const OTHER_TYPES: readonly unknown[] = [undefined, null, 7, true, [], {}, ['web-03'], { toString: 'web-03' }];

const SCALARS: Readonly<Record<string, { schema: Checks; good: readonly string[]; bad: readonly string[] }>> = {
  'a host name': {
    schema: HostName,
    good: ['web-03', 'a', 'A.b_c-9', 'x'.repeat(64)],
    bad: [
      '',
      '-rf',
      '.hidden',
      '..',
      '_x',
      'x'.repeat(65),
      'web 03',
      'web\n',
      'web\u0000',
      'a/b',
      '../x',
      'a\\b',
      '$(id)',
      'a;b',
      "a'b",
      'a"b',
      '<b>',
      'wéb',
      'we\u0301b',
      '\u202eweb',
      'web\u200b',
      '%2e%2e',
      'a?b',
      'a#b',
      'a:b',
    ],
  },
  'a host id': {
    schema: HostId,
    good: ['0123456789abcdef'],
    bad: ['0123456789ABCDEF', '0123456789abcde', '0123456789abcdef0', '0123456789abcdef\n', '', 'g123456789abcdef'],
  },
  'a digest': {
    schema: Digest,
    good: ['sha256:00ff', 'sha3-256:0a', `sha512:${'ab'.repeat(64)}`],
    bad: [
      '00ff',
      'sha256:',
      ':00',
      'sha256:00FF',
      'sha256: 00',
      'sha256:00\n',
      'SHA256:00',
      `a:${'0'.repeat(200)}`,
      'a:0;',
    ],
  },
  hexadecimal: {
    schema: Hex,
    good: ['', '00ff', 'ab'.repeat(128)],
    bad: ['0', '0g', '00FF', '0x00', '00 ', '00\n', 'ab'.repeat(129)],
  },
  'base64 of three bytes': {
    schema: base64(3),
    good: ['', 'AAAA', 'AA==', 'AAA=', '+/+/'],
    bad: ['AAAAAAAA', 'A-_A', 'A A=', 'AA=A', 'A===', 'AAAA\n', '===='],
  },
  'a time': {
    schema: Time,
    good: ['2026-09-01T12:00:00Z', '2026-09-01T12:00:00.123Z'],
    bad: ['2026-09-01', '2026-09-01T12:00:00+02:00', '2026-13-01T12:00:00Z', '2026-02-30T12:00:00Z', 'now', '', '0'],
  },
};

for (const [name, { schema, good, bad }] of Object.entries(SCALARS)) {
  describe(name, () => {
    test('is taken in its form', () => {
      for (const value of good) assert.equal(takes(schema, value), true, JSON.stringify(value));
    });
    test('is refused in any other form or type', () => {
      for (const value of [...bad, ...OTHER_TYPES]) assert.equal(takes(schema, value), false, JSON.stringify(value));
    });
  });
}
