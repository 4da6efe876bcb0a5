import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import {
  formattedDigest,
  VERITY_DEFAULTS,
  VerityDigest,
  verityDescriptor,
  type VerityParameters,
} from '@assay/core/verity';
import fc from 'fast-check';

const SALT = fromHex('0102030405');

function digest(content: Uint8Array, parameters: Partial<VerityParameters> = {}): string {
  const result = new VerityDigest(nodeHasher, { ...VERITY_DEFAULTS, ...parameters }).update(content).finish();
  assert.equal(result.size, content.length);
  return toHex(result.digest);
}

const filled = (size: number, byte: string): Uint8Array => new Uint8Array(size).fill(byte.charCodeAt(0));

describe('the fs-verity digest', () => {
  for (const [what, content, parameters, expected] of [
    ['of an empty file', utf8(''), {}, '3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95'],
    ['of 5 bytes', utf8('hello'), {}, '555b589c26ee43b7a2510e6c67ced9fb3190b6da6e9e683984551f5d77a763de'],
    ['of one block', new Uint8Array(4096), {}, 'babc284ee4ffe7f449377fbf6692715b43aec7bc39c094a95878904d34bac97e'],
    [
      'of a block and a byte',
      new Uint8Array(4097),
      {},
      '093756e4ea9683329106d4a16982682ed182c14bf076463a9e7f97305cbac743',
    ],
    ['of three levels', filled(600000, 'A'), {}, 'ccbf0139804eaeccd45cb4a41b1a8990daa87986ab9eca72d73ec57110002441'],
    ['with a salt', utf8('hello'), { salt: SALT }, '4b9c4e0d8f71d410f07a3229769fcd5f2833c28dbe2a3cf6508379782b2d2f3c'],
    [
      'with blocks of 1024 bytes and a salt',
      filled(600000, 'A'),
      { blockSize: 1024, salt: SALT },
      'c91c7cf168d24fb71239554a33970f38328f82af59ac174977cc32700d5a0b17',
    ],
    [
      'by SHA-512',
      utf8('hello'),
      { algorithm: 'sha512' },
      'f40c9f595539791d80fdff8f46b9fd3f61d9b5aa12c4c366c296c455f342b7ba5d1f03ffa8290b2f159f44a97e182ddaf305d97ce86e3713cdf5508da1cef244',
    ],
  ] as const) {
    test(`${what} is the one of the fsverity tool`, () => assert.equal(digest(content, parameters), expected));
  }

  test('of a file of a Debian 6.1 guest is the one that its kernel measured', () => {
    const measured = '986dcb2e0a092fafe16888f4c59b3aa66143076c0c82c3edd2a8b9af37a76806';
    assert.equal(digest(filled(300000, 'v')), measured);
  });

  test('does not depend on how the file is cut into pieces', () => {
    const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) & 0xff);
    const expected = digest(content, { blockSize: 1024 });
    const cuts = fc.array(fc.nat(content.length), { maxLength: 20 });
    fc.assert(
      fc.property(cuts, (places) => {
        const stream = new VerityDigest(nodeHasher, { ...VERITY_DEFAULTS, blockSize: 1024 });
        const ends = [...places.toSorted((a, b) => a - b), content.length];
        let from = 0;
        for (const to of ends) {
          stream.update(content.subarray(from, to));
          from = to;
        }
        assert.equal(toHex(stream.finish().digest), expected);
      }),
      { numRuns: 25 },
    );
  });

  test('of an empty file rests on a root of zeros', () => {
    assert.deepEqual(new Uint8Array(new VerityDigest(nodeHasher).finish().root), new Uint8Array(32));
  });
});

test('the descriptor has the kernel form, and the signed form of a digest the one of the fsverity tool', () => {
  const { root } = new VerityDigest(nodeHasher).update(filled(600000, 'A')).finish();
  const descriptor = toHex(verityDescriptor(VERITY_DEFAULTS, 600000, root));
  assert.equal(descriptor.length, 512);
  assert.ok(descriptor.startsWith('01010c0000000000c0270900000000008141f8b6'));
  const hello = fromHex('555b589c26ee43b7a2510e6c67ced9fb3190b6da6e9e683984551f5d77a763de');
  assert.equal(toHex(formattedDigest('sha256', hello)), `465356657269747901002000${toHex(hello)}`);
});

describe('fs-verity parameters are refused', () => {
  for (const [why, parameters] of [
    ['a block size that is no power of two', { blockSize: 3000 }],
    ['a block size under 1024', { blockSize: 512 }],
    ['a block size over 65536', { blockSize: 131072 }],
    ['a block size of 0', { blockSize: 0 }],
    ['a block size that is no number', { blockSize: Number.NaN }],
    ['a negative block size', { blockSize: -4096 }],
    ['a salt of 33 bytes', { salt: new Uint8Array(33) }],
  ] as const) {
    test(why, () => {
      const make = () => new VerityDigest(nodeHasher, { ...VERITY_DEFAULTS, ...parameters });
      assert.throws(make, (error: unknown) => error instanceof FormatError && error.code === 'VERITY-PARAMETER');
    });
  }
});

const skip =
  spawnSync('fsverity', ['--version']).status === 0 ? false : 'fsverity is missing: apt-get install fsverity';

describe('against the fsverity tool', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'assay-verity-'));
  after(() => {
    rmSync(directory, { recursive: true });
  });
  const sizes = [0, 1, 1023, 1024, 1025, 4096, 16_384, 16_385, 32_768, 32_769, 262_144, 262_145, 1_048_576, 1_048_577];

  for (const algorithm of ['sha256', 'sha512'] as const) {
    for (const blockSize of [1024, 2048, 4096]) {
      for (const salt of [new Uint8Array(0), SALT, filled(32, 's')]) {
        test(`${algorithm}, blocks of ${blockSize}, a salt of ${salt.length}: equal at every edge of the levels`, () => {
          for (const size of sizes) {
            const content = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
            const path = join(directory, 'file');
            writeFileSync(path, content);
            const saltOption = salt.length === 0 ? [] : [`--salt=${toHex(salt)}`];
            const options = [`--hash-alg=${algorithm}`, `--block-size=${blockSize}`, ...saltOption, '--compact'];
            const { stdout, stderr } = spawnSync('fsverity', ['digest', path, ...options], { encoding: 'utf8' });
            assert.equal(digest(content, { algorithm, blockSize, salt }), stdout.trim(), `${size}: ${stderr}`);
          }
        });
      }
    }
  }
});
