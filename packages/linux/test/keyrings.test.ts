import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import { keyIdInDescription, keyringName, labelKeyrings, parseProcKeys } from '@assay/linux/keyrings';
import fc from 'fast-check';

const LINES = [
  '001bbe3c I------     1 perm 0f0b0000     0     0 keyring   .blacklist: empty',
  '1ffed2cb I--Q---     1 perm 39010000     0     0 asymmetri Signer: 69ea: X509.rsa 4225d957 []',
  '20635500 I--Q---    12   4w 3f010000     0 65534 keyring   _ima: 1/4',
  '30c49e1f I--Q---     1 expd 3f010000  1000    -1 user      x: 1',
];

describe('/proc/keys', () => {
  test('is read as the kernel writes it', () => {
    const keys = parseProcKeys(`${LINES.slice(0, 3).join('\n')}\n`);
    assert.deepEqual(
      keys.map(({ id, timeout, type }) => [id, timeout, type]),
      [
        [0x001bbe3c, 'perm', 'keyring'],
        [0x1ffed2cb, 'perm', 'asymmetri'],
        [0x20635500, '4w', 'keyring'],
      ],
    );
    assert.deepEqual(keys.map(keyringName), ['.blacklist', 'Signer: 69ea: X509.rsa 4225d957 []', '_ima']);
    assert.deepEqual(keys.map(keyIdInDescription), [undefined, '4225d957', undefined]);
  });

  test('of an owner that has no number here is read too', () => {
    assert.equal(parseProcKeys(LINES[3] ?? '')[0]?.timeout, 'expd');
  });

  test('of this machine is read', () => {
    const text = readFileSync('/proc/keys', 'utf8');
    assert.equal(parseProcKeys(text).length, text.split('\n').length - 1);
    assert.doesNotThrow(() => labelKeyrings());
  });

  for (const line of [
    'x',
    '001bbe3c I------ 1 perm',
    '001bbe3 I------     1 perm 0f0b0000     0     0 keyring   x',
    '001bbe3c I------     1 soon 0f0b0000     0     0 keyring   x',
  ]) {
    test(`with a line like ${JSON.stringify(line)} is refused, with its number`, () => {
      assert.throws(
        () => parseProcKeys(`${LINES[0]}\n${line}\n`),
        (error: unknown) => error instanceof FormatError && error.code === 'KEYRING-LINE' && error.place.line === 2,
      );
    });
  }

  test('answers or refuses, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseProcKeys(text);
        } catch (error) {
          assert.ok(error instanceof FormatError);
        }
      }),
    );
  });
});
