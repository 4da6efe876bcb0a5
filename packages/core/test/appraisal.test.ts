import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { appraise, kernelLabel, labelAlgorithm, type AppraisedFile, type IntegrityStatus } from '@assay/core/appraisal';
import { fromHex, toHex } from '@assay/core/bytes';
import { HASH_NAMES } from '@assay/core/hash';
import type { Demands } from '@assay/core/policy';
import {
  DIGEST,
  fileOf,
  HASH,
  kernelOf,
  MODSIG,
  NO_DEMANDS,
  OF_VERITY,
  SIGNATURE,
  SIGV3,
  V2,
  V3,
  VERITY,
  WRONG,
} from './appraisal-cases.ts';

type Row = readonly [
  what: string,
  file: AppraisedFile,
  demands: Demands,
  status: IntegrityStatus,
  cause?: string | undefined,
  versions?: readonly string[],
];
const ALL = ['5.4', '5.10', '6.1', '6.12', '7.2'] as const;
const NEW = ['6.1', '6.12', '7.2'] as const;

/** Rows of the table in docs/appraisal.md. */
const MATRIX: readonly Row[] = [
  ['no attributes', fileOf({ hasXattrs: false }), NO_DEMANDS, 'unknown', 'no-xattr-support'],
  ['no label', fileOf({ label: null }), NO_DEMANDS, 'no_label', 'missing-hash'],
  ['no label, signature', fileOf({ label: null }), SIGNATURE, 'no_label', 'IMA-signature-required'],
  ['no label, fs-verity', fileOf({ label: null }), VERITY, 'no_label', 'verity-signature-required', NEW],
  ['no label, new', fileOf({ label: null, isNew: true }), NO_DEMANDS, 'pass'],
  ['no label, new, signature', fileOf({ label: null, isNew: true }), SIGNATURE, 'no_label', 'IMA-signature-required'],
  ['no label, new, signature, empty', fileOf({ label: null, isNew: true, empty: true }), SIGNATURE, 'pass'],
  ['unreadable label', fileOf({ label: 'unreadable' }), NO_DEMANDS, 'unknown', 'unknown'],
  ['EVM: no HMAC', fileOf({ evm: 'no_label' }), NO_DEMANDS, 'no_label', 'missing-HMAC'],
  ['EVM: no attributes', fileOf({ evm: 'no_xattrs' }), NO_DEMANDS, 'no_xattrs', 'missing-HMAC'],
  ['EVM: wrong', fileOf({ evm: 'fail' }), NO_DEMANDS, 'fail', 'invalid-HMAC'],
  [
    'EVM: wrong, portable',
    fileOf({ evm: 'fail_immutable' }),
    NO_DEMANDS,
    'fail_immutable',
    'invalid-fail-immutable',
    NEW,
  ],
  ['EVM: good', fileOf({ evm: 'pass' }), NO_DEMANDS, 'pass'],
  ['digest', fileOf({}), NO_DEMANDS, 'pass'],
  ['digest and more bytes', fileOf({ label: Uint8Array.of(...HASH, 1) }), NO_DEMANDS, 'pass'],
  ['digest cut short', fileOf({ label: HASH.subarray(0, -1) }), NO_DEMANDS, 'fail', 'invalid-hash'],
  ['digest of another content', fileOf({ label: WRONG }), NO_DEMANDS, 'fail', 'invalid-hash'],
  ['digest, signature', fileOf({}), SIGNATURE, 'fail', 'IMA-signature-required'],
  ['digest, fs-verity', fileOf({}), VERITY, 'fail', 'verity-signature-required', NEW],
  ['digest, signature, good HMAC', fileOf({ evm: 'pass' }), SIGNATURE, 'fail', 'IMA-signature-required'],
  ['digest, signature, portable', fileOf({ evm: 'pass_immutable' }), SIGNATURE, 'pass', undefined, NEW],
  [
    'the same before 5.14',
    fileOf({ evm: 'pass_immutable' }),
    SIGNATURE,
    'fail',
    'IMA-signature-required',
    ['5.4', '5.10'],
  ],
  ['wrong digest, portable', fileOf({ label: WRONG, evm: 'pass_immutable' }), SIGNATURE, 'fail', 'invalid-hash', NEW],
  ['v2', fileOf({ label: V2 }), NO_DEMANDS, 'pass'],
  ['v2, signature', fileOf({ label: V2 }), SIGNATURE, 'pass'],
  ['v2, bad', fileOf({ label: V2 }, 'invalid'), SIGNATURE, 'fail', 'invalid-signature'],
  ['v2, unknown key', fileOf({ label: V2 }, 'unknown-key'), SIGNATURE, 'fail', 'invalid-signature'],
  ['v2, unknown to the check', fileOf({ label: V2 }, 'unsupported'), SIGNATURE, 'unknown', 'unknown'],
  ['v2, fs-verity', fileOf({ label: V2 }), VERITY, 'fail', 'verity-signature-required', NEW],
  ['v2, sigv3', fileOf({ label: V2 }), SIGV3, 'fail', 'IMA-sigv3-required', ['7.1', '7.2']],
  ['v3', fileOf({ label: V3 }), SIGNATURE, 'pass', undefined, ['7.1', '7.2']],
  ['v3, sigv3', fileOf({ label: V3 }), SIGV3, 'pass', undefined, ['7.1', '7.2']],
  [
    'v3 before 7.1',
    fileOf({ label: V3 }),
    SIGNATURE,
    'fail',
    'invalid-signature-version',
    ['5.19', '6.1', '6.12', '7.0'],
  ],
  ['v3 before 5.19', fileOf({ label: V3 }), SIGNATURE, 'unknown', 'unknown', ['5.4', '5.10']],
  ['v4', fileOf({ label: V2.with(1, 4) }), SIGNATURE, 'fail', 'invalid-signature-version', NEW],
  ['of fs-verity, signature', fileOf({ label: OF_VERITY }), SIGNATURE, 'fail', 'IMA-signature-required', NEW],
  ['of fs-verity, fs-verity', fileOf({ label: OF_VERITY }), VERITY, 'pass', undefined, NEW],
  ['of fs-verity, bad', fileOf({ label: OF_VERITY }, 'invalid'), VERITY, 'fail', 'invalid-verity-signature', NEW],
  ['of fs-verity, v2', fileOf({ label: OF_VERITY.with(1, 2) }), VERITY, 'fail', 'invalid-signature-version', NEW],
  ['of fs-verity before 5.19', fileOf({ label: OF_VERITY }), SIGNATURE, 'unknown', 'unknown-ima-data', ['5.4', '5.10']],
  ...[0, 2, 5, 7, 0xff].map(
    (type): Row => [`type ${type}`, fileOf({ label: V2.with(0, type) }), NO_DEMANDS, 'unknown', 'unknown-ima-data'],
  ),
  ['appended', fileOf({ label: null, modsig: 'valid' }), MODSIG, 'pass'],
  ['appended, no EVM attributes', fileOf({ label: null, modsig: 'valid', evm: 'no_xattrs' }), MODSIG, 'pass'],
  ['appended, no attributes at all', fileOf({ label: null, hasXattrs: false, modsig: 'valid' }), MODSIG, 'pass'],
  ['appended, bad', fileOf({ label: null, modsig: 'invalid' }), MODSIG, 'fail', 'invalid-signature'],
  [
    'appended, where no rule allows it',
    fileOf({ label: null, modsig: 'valid' }),
    SIGNATURE,
    'no_label',
    'IMA-signature-required',
  ],
  ['appended beside a digest', fileOf({ modsig: 'valid' }), MODSIG, 'pass'],
  ['appended beside an unknown key', fileOf({ label: V2, modsig: 'valid' }, 'unknown-key'), MODSIG, 'pass'],
  [
    'appended beside a bad signature',
    fileOf({ label: V2, modsig: 'valid' }, 'invalid'),
    MODSIG,
    'fail',
    'invalid-signature',
  ],
  [
    'appended beside a digest of type 1',
    fileOf({ label: WRONG.with(0, 1), modsig: 'valid' }),
    MODSIG,
    'fail',
    'IMA-signature-required',
  ],
  ['FUSE', fileOf({ unverifiable: 'trusted-mounter' }), NO_DEMANDS, 'pass'],
  ['FUSE of a user', fileOf({ unverifiable: 'untrusted-mounter' }), NO_DEMANDS, 'fail', 'unverifiable-signature'],
  [
    'FUSE, fail_securely',
    fileOf({ unverifiable: 'trusted-mounter' }),
    { ...NO_DEMANDS, failUnverifiable: true },
    'fail',
    'unverifiable-signature',
  ],
];

describe('content and label, in every mode that changes nothing', () => {
  for (const [what, file, demands, status, cause, versions = ALL] of MATRIX) {
    test(`${what}: ${status}${cause === undefined ? '' : `, ${cause}`}`, () => {
      for (const version of versions)
        for (const mode of ['off', 'log', 'enforce'] as const) {
          const result = appraise(file, DIGEST, demands, kernelOf(version, mode));
          assert.deepEqual([result.status, result.cause, result.writes], [status, cause, []], `${version} ${mode}`);
          assert.equal(result.record?.cause, cause === 'no-xattr-support' ? undefined : cause);
        }
    });
  }
});

test('a record says success where the kernel logs the result of an earlier step', () => {
  const success = (file: AppraisedFile): boolean | undefined =>
    appraise(file, DIGEST, NO_DEMANDS, kernelOf('6.12')).record?.success;
  assert.equal(success(fileOf({ unverifiable: 'untrusted-mounter' })), true);
  assert.equal(success(fileOf({ unverifiable: 'untrusted-mounter', label: WRONG })), false);
  assert.equal(success(fileOf({ label: new Uint8Array(0) })), true);
  assert.equal(success(fileOf({ label: null })), false);
});

describe('fix mode', () => {
  const fixed = (file: AppraisedFile, demands = NO_DEMANDS, version = '6.12') =>
    appraise(file, DIGEST, demands, kernelOf(version, 'fix'));
  for (const [what, label, demands, cause] of [
    ['a wrong digest', WRONG, NO_DEMANDS, 'invalid-hash'],
    ['no label', null, NO_DEMANDS, 'missing-hash'],
    ['a digest where a signature is demanded', HASH, SIGNATURE, 'IMA-signature-required'],
    ['a signature of fs-verity', OF_VERITY, SIGNATURE, 'IMA-signature-required'],
    ['a value that is no label', V2.with(0, 5), NO_DEMANDS, 'unknown-ima-data'],
  ] as const) {
    test(`replaces ${what}, lets the access pass, and records it`, () => {
      const { status, writes, record } = fixed(fileOf({ label }), demands);
      assert.deepEqual([status, writes, record?.cause], ['pass', [{ name: 'security.ima', value: HASH }], cause]);
    });
  }
  test('leaves signatures, files that cannot be written, and files with appended signatures alone', () => {
    for (const [file, demands] of [
      [fileOf({ label: V2 }, 'invalid'), NO_DEMANDS],
      [fileOf({ label: null, isImmutable: true }), NO_DEMANDS],
      [fileOf({ label: WRONG, modsig: 'invalid' }), MODSIG],
    ] as const) {
      const { status, writes } = fixed(file, demands);
      assert.deepEqual([status === 'pass', writes], [false, []]);
    }
  });
  test('is a mode of EVM, too, since 6.19: it gives a signed file its HMAC', () => {
    const evmRepair = { name: 'security.evm', value: Uint8Array.of(2, ...new Uint8Array(20)) } as const;
    const file = fileOf({ label: V2, evm: 'no_label', evmRepair });
    assert.deepEqual(fixed(file).writes, []);
    const { status, writes } = fixed(file, NO_DEMANDS, '6.19');
    assert.deepEqual([status, writes], ['pass', [evmRepair]]);
  });
  test('writes md5 and sha1 as type 1, all others as type 4', () => {
    const typeOf = (algorithm: (typeof HASH_NAMES)[number]) => kernelLabel({ algorithm, value: new Uint8Array(1) })[0];
    for (const algorithm of HASH_NAMES)
      assert.equal(typeOf(algorithm), ['md4', 'md5', 'sha1'].includes(algorithm) ? 1 : 4);
    assert.equal(toHex(kernelLabel({ algorithm: 'sha512', value: Uint8Array.of(9) })), '040609');
  });
});

test('a new file that is empty still passes with its signature in place, however bad', () => {
  const file = fileOf({ label: V2, isNew: true, empty: true }, 'invalid');
  assert.equal(appraise(file, DIGEST, SIGNATURE, kernelOf('6.12')).status, 'pass');
  assert.equal(appraise(file, DIGEST, SIGNATURE, kernelOf('5.4')).status, 'pass');
  assert.equal(appraise({ ...file, empty: false }, DIGEST, SIGNATURE, kernelOf('6.12')).status, 'fail');
  // A portable signature was set before the label.
  const bare = fileOf({ label: WRONG, isNew: true, empty: true, isSigned: true, evm: 'no_label' });
  assert.equal(appraise(bare, DIGEST, SIGNATURE, kernelOf('6.12')).status, 'pass');
  assert.equal(appraise(bare, DIGEST, SIGNATURE, kernelOf('5.10')).status, 'no_label');
});

test('a label tells the algorithm of the digest, and any label tells one', () => {
  const told = (hex: string, version = '6.12') => labelAlgorithm(fromHex(hex), 'sha512', kernelOf(version));
  const zeros = (count: number): string => '00'.repeat(count);
  for (const [hex, algorithm] of [
    ['', 'sha512'],
    ['04', 'sha512'],
    ['0402', 'sha1'],
    ['0404', 'sha256'],
    ['04ff', 'sha512'],
    ['0417', 'sha512'],
    [`01${'aa'.repeat(20)}`, 'sha1'],
    [`01${'aa'.repeat(16)}${zeros(4)}`, 'md5'],
    [`01${'aa'.repeat(16)}`, 'md5'],
    [`01${'aa'.repeat(15)}`, 'sha512'],
    ['030204a0b1c2d3000100', 'sha256'],
    ['030204a0b1c2d30001', 'sha512'],
    ['030104a0b1c2d3000100', 'sha512'],
    ['060304a0b1c2d3000100', 'sha256'],
    ['060204a0b1c2d3000100', 'sha512'],
    ['0204', 'sha512'],
  ] as const)
    assert.equal(told(hex), algorithm, hex);
  assert.equal(told('0414'), 'sha3-256');
  assert.equal(told('0414', '6.1'), 'sha512');
  assert.equal(told('030304a0b1c2d3000100'), 'sha512');
  assert.equal(told('030304a0b1c2d3000100', '7.1'), 'sha256');
  assert.equal(told('060304a0b1c2d3000100', '5.10'), 'sha512');
});
