import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  decideEvmChange,
  decideLabelChange,
  evmStatus,
  type Change,
  type ChangeDecision,
  type ChangingFile,
  type EvmFile,
  type EvmState,
  type IntegrityStatus,
} from '@assay/core/appraisal';
import { concat, fromHex, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  DEBIAN_EVM_XATTRS,
  decryptKey,
  EVM_XATTRS,
  metadataInput,
  parseEncryptedKey,
  type FileMetadata,
  type MetadataForm,
} from '@assay/core/evm';
import { keyIdOfCertificate, keyIdOfPublicKey, parseCertificate, parsePublicKey } from '@assay/core/keys';
import { encodeEvmLabel, type LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { parseKernelVersion } from '@assay/core/policy';
import fc from 'fast-check';

const vector = (name: string): Buffer => readFileSync(new URL(`vectors/${name}`, import.meta.url));
const text = (name: string): string => vector(`evm/${name}`).toString();
const kernelOf = (version: string) => ({ version: parseKernelVersion(version) });
const K = kernelOf('6.12');

function group(block: string, pattern: RegExp): string {
  return pattern.exec(block)?.[1] ?? assert.fail(`${pattern}: ${block}`);
}

interface Observed {
  readonly name: string;
  readonly evm: Uint8Array;
  readonly metadata: FileMetadata;
}

function observed(block: string): Observed {
  const values = Array.from(block.matchAll(/^(security\.\w+)=0x([0-9a-f]*)$/gm), ([, name = '', hex = '']) => {
    return [name, fromHex(hex)] as const;
  });
  const xattrs = new Map(values.filter(([name]) => name !== 'security.evm'));
  return {
    name: group(block, /(\w+)/),
    evm: new Map(values).get('security.evm') ?? assert.fail(block),
    metadata: {
      inode: BigInt(group(block, /ino=(\d+)/)),
      generation: Number(group(block, /^(\d+) +-/m)),
      uid: Number(group(block, /uid=(\d+)/)),
      gid: Number(group(block, /gid=(\d+)/)),
      mode: Number.parseInt(group(block, /mode=([0-9a-f]+)/), 16),
      xattrs,
    },
  };
}

const FILES = text('debian-6.12/evm.txt').trim().split('\n\n').map(observed);
const [F1 = assert.fail()] = FILES;
const fsUuid = fromHex(text('debian-6.12/uuid.txt').slice(-37).trim().replaceAll('-', ''));
const hmacKey = decryptKey(
  parseEncryptedKey(text('debian-6.12/evm-key.blob')),
  utf8(text('debian-6.12/kmk.txt')),
  nodeCrypto,
).payload;

const HMAC: EvmState = {
  ...K,
  hmacKey,
  x509: false,
  keys: [],
  enabled: DEBIAN_EVM_XATTRS,
  listed: EVM_XATTRS,
  wordBits: 64,
};
const NO_KEY: EvmState = { ...HMAC, hmacKey: null };

function fileOf({ evm, metadata }: Pick<Observed, 'evm' | 'metadata'>, change: Partial<EvmFile> = {}): EvmFile {
  return { evm, metadata, fsUuid, ...change };
}

const statusOf = (file: EvmFile, state = HMAC, kernel = K): IntegrityStatus =>
  evmStatus(file, { ...state, ...kernel }, nodeCrypto).status;

function withXattrs(metadata: FileMetadata, change: Readonly<Record<string, Uint8Array | null>>): FileMetadata {
  const xattrs = new Map(metadata.xattrs);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) xattrs.delete(name);
    else xattrs.set(name, value);
  }
  return { ...metadata, xattrs };
}

describe('EVM says of files whose HMAC a 6.12 kernel wrote', () => {
  for (const { name, ...file } of FILES)
    test(`${name}: pass, and fail once mode, owner, generation, label or a bit of the HMAC is another`, () => {
      assert.equal(statusOf(fileOf(file)), 'pass');
      for (const field of ['mode', 'uid', 'gid', 'generation'] as const) {
        const metadata = { ...file.metadata, [field]: (file.metadata[field] ^ 1) >>> 0 };
        assert.equal(statusOf(fileOf({ ...file, metadata })), 'fail', field);
      }
      const relabelled = withXattrs(file.metadata, { 'security.ima': Uint8Array.of(4, 4) });
      assert.equal(statusOf(fileOf({ ...file, metadata: relabelled })), 'fail');
      assert.equal(statusOf(fileOf({ ...file, evm: file.evm.with(20, (file.evm[20] ?? 0) ^ 1) })), 'fail');
    });
});

describe('EVM says', () => {
  const bare = withXattrs(F1.metadata, { 'security.ima': null });
  const selinux = withXattrs(bare, { 'security.SMACK64': utf8('_') });
  const rows: readonly (readonly [what: string, file: EvmFile, state: EvmState, status: IntegrityStatus])[] = [
    ['without a key', fileOf(F1), NO_KEY, 'unknown'],
    ['where it does not protect security.ima', fileOf(F1), { ...HMAC, enabled: ['security.capability'] }, 'unknown'],
    ['without security.evm', fileOf(F1, { evm: null }), HMAC, 'no_label'],
    ['without any attribute', fileOf({ ...F1, metadata: bare }, { evm: null }), HMAC, 'no_xattrs'],
    [
      'of an attribute that is listed, not enabled',
      fileOf({ ...F1, metadata: selinux }, { evm: null }),
      HMAC,
      'no_label',
    ],
    ['of an HMAC over no enabled attribute', fileOf({ ...F1, metadata: selinux }), HMAC, 'no_xattrs'],
    ['where attributes are not supported', fileOf(F1, { evm: 'unsupported' }), HMAC, 'unknown'],
    ['where security.evm cannot be read', fileOf(F1, { evm: 'unreadable' }), HMAC, 'fail'],
    ['of an empty value', fileOf(F1, { evm: new Uint8Array(0) }), HMAC, 'fail'],
    ['of an HMAC that is cut', fileOf(F1, { evm: F1.evm.subarray(0, -1) }), HMAC, 'fail'],
    ['of an HMAC with more bytes', fileOf(F1, { evm: concat([F1.evm, new Uint8Array(1)]) }), HMAC, 'fail'],
    ['of an HMAC with certificates alone', fileOf(F1), { ...NO_KEY, x509: true }, 'fail'],
    ['of a type that is none', fileOf(F1, { evm: F1.evm.with(0, 4) }), HMAC, 'fail'],
    ['of a signature without one', fileOf(F1, { evm: fromHex('030204a0b1c2d30000') }), HMAC, 'fail'],
    ['of a file system without HMACs', fileOf(F1, { isHmacUnsupported: true }), HMAC, 'unknown'],
    ['of one of them with certificates', fileOf(F1, { isHmacUnsupported: true }), { ...HMAC, x509: true }, 'pass'],
  ];
  for (const [what, file, state, status] of rows)
    test(`${what}: ${status}`, () => {
      assert.equal(statusOf(file, state), status);
    });

  test('of file systems without HMACs other things before 6.8, and from 6.10 on', () => {
    const file = fileOf(F1, { isHmacUnsupported: true });
    const both = { ...HMAC, x509: true };
    assert.deepEqual(
      ['6.1', '6.8', '6.10'].map((version) => [
        statusOf(file, HMAC, kernelOf(version)),
        statusOf(file, both, kernelOf(version)),
      ]),
      [
        ['pass', 'pass'],
        ['unknown', 'unknown'],
        ['unknown', 'pass'],
      ],
    );
  });

  test('with evm=fix what HMAC would mend a file, and removes one that is over nothing', () => {
    const repairOf = (file: EvmFile, state = HMAC): Uint8Array | null | undefined =>
      evmStatus(file, { ...state, fix: true }, nodeCrypto).repair?.value;
    const nothing = fileOf({ ...F1, metadata: bare }, { evm: null });
    assert.deepEqual(repairOf(fileOf(F1, { evm: null })), new Uint8Array(F1.evm));
    assert.equal(repairOf(nothing), undefined);
    assert.equal(repairOf({ ...nothing, evm: F1.evm }), null);
    assert.equal(repairOf(fileOf(F1, { evm: null, isHmacUnsupported: true })), undefined);
    assert.equal(repairOf(fileOf(F1, { evm: null }), { ...NO_KEY, x509: true }), undefined);
    assert.equal(evmStatus(fileOf(F1), HMAC, nodeCrypto).repair, undefined);
  });

  test('nothing of metadata that are none: those are an error', () => {
    const broken = fileOf({ ...F1, metadata: { ...F1.metadata, mode: -1 } });
    assert.throws(() => statusOf(broken), FormatError);
    assert.throws(() => statusOf({ ...broken, evm: fromHex('050204a0b1c2d30001aa') }), FormatError);
  });
});

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKey = parsePublicKey(pair.publicKey.export({ format: 'der', type: 'spki' }));
const KEY: LabelKey = { keyId: keyIdOfPublicKey(nodeHasher, publicKey), publicKey };
const X509: EvmState = { ...HMAC, x509: true, keys: [KEY] };

function signed(form: MetadataForm, version: 2 | 3 = 2): Uint8Array {
  const type = form.form === 'portable' ? 5 : 3;
  const input = metadataInput(F1.metadata, form);
  const message = version === 2 ? input : concat([Uint8Array.of(type, 4), nodeHasher.digest('sha256', input)]);
  const signature = sign('sha256', message, pair.privateKey);
  return encodeEvmLabel({ kind: 'signature', type, version, algorithm: 'sha256', keyId: KEY.keyId, signature });
}

const BOUND: MetadataForm = { form: 'bound', wordBits: 64, xattrs: DEBIAN_EVM_XATTRS, fsUuid };
const PORTABLE: MetadataForm = { form: 'portable', wordBits: 64, xattrs: EVM_XATTRS };

describe('EVM says of signatures', () => {
  const bound = signed(BOUND);
  const portable = signed(PORTABLE);
  const other = { ...F1.metadata, uid: 1 };
  test('bound to the inode: pass, and puts the HMAC of the file in their place', () => {
    const { status, writes } = evmStatus(fileOf({ ...F1, evm: bound }), X509, nodeCrypto);
    assert.deepEqual([status, writes], ['pass', [{ name: 'security.evm', value: new Uint8Array(F1.evm) }]]);
    for (const [file, state] of [
      [fileOf({ ...F1, evm: bound }, { isImmutable: true }), X509],
      [fileOf({ ...F1, evm: bound }), { ...X509, hmacKey: null }],
    ] as const)
      assert.deepEqual(evmStatus(file, state, nodeCrypto), { status: 'pass', writes: [] });
    assert.equal(statusOf(fileOf({ evm: bound, metadata: other }), X509), 'fail');
  });
  test('that are portable: pass_immutable or fail_immutable', () => {
    assert.equal(statusOf(fileOf({ ...F1, evm: portable }), X509), 'pass_immutable');
    const moved = { ...F1.metadata, inode: 1n, generation: 1 };
    assert.equal(statusOf(fileOf({ evm: portable, metadata: moved }), X509), 'pass_immutable');
    assert.equal(statusOf(fileOf({ evm: portable, metadata: other }), X509), 'fail_immutable');
    assert.equal(statusOf(fileOf({ evm: portable, metadata: other }), X509, kernelOf('5.10')), 'fail');
    const bare = withXattrs(F1.metadata, { 'security.ima': null });
    assert.equal(statusOf(fileOf({ evm: portable, metadata: bare }), X509), 'fail_immutable');
    assert.equal(statusOf(fileOf({ ...F1, evm: portable }), { ...X509, keys: [] }), 'fail_immutable');
  });
  test('of version 3: nothing good before 7.1', () => {
    const v3 = fileOf({ ...F1, evm: signed(PORTABLE, 3) });
    assert.equal(statusOf(v3, X509), 'fail_immutable');
    assert.equal(statusOf(v3, X509, kernelOf('7.1')), 'pass_immutable');
    const strict = { ...X509, sigv3Required: true };
    assert.equal(statusOf(v3, strict, kernelOf('7.1')), 'pass_immutable');
    assert.equal(statusOf(fileOf({ ...F1, evm: portable }), strict, kernelOf('7.1')), 'fail');
  });
  test('by RSA over a file that a 6.1 kernel read: pass_immutable', () => {
    const file = observed(text('portable-6.1.txt'));
    const certificate = parseCertificate(vector('labels/rsa-6.1.der'));
    const key = { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
    assert.equal(statusOf(fileOf(file), { ...X509, keys: [key] }, kernelOf('6.1')), 'pass_immutable');
  });
});

test('whatever stands in security.evm, there is a status', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(2, 3, 5), (noise, type) => {
      const evm = concat([Uint8Array.of(type), noise]);
      assert.ok(['fail', 'fail_immutable'].includes(statusOf(fileOf({ ...F1, evm }), X509)));
    }),
  );
});

const ADMIN = { isAdmin: true };
const SHA256 = Uint8Array.of(4, 4, ...new Uint8Array(32));

describe('security.ima', () => {
  const kernel = { ...K, imaHash: 'sha256', algorithms: ['sha1', 'sha256'] } as const;
  const answer = (value: Uint8Array | null, change: object = {}) => {
    const { allowed, error, records } = decideLabelChange(value, ADMIN, { ...kernel, ...change });
    return allowed ? 'ok' : [error, ...records.map(({ op, cause }) => `${op} ${cause}`)].join(' ');
  };
  test('is set and removed by administrators alone', () => {
    assert.equal(decideLabelChange(SHA256, { isAdmin: false }, kernel).error, 'EPERM');
    assert.equal(decideLabelChange(null, { isAdmin: false }, kernel).error, 'EPERM');
    assert.equal(answer(null), 'ok');
  });
  test('has types up to 6, whether or not they make sense; before 5.19 up to 5', () => {
    assert.equal(answer(new Uint8Array(0)), 'EINVAL');
    for (const type of [0, 1, 2, 3, 4, 5, 6]) assert.equal(answer(Uint8Array.of(type)), 'ok');
    for (const type of [7, 255]) assert.equal(answer(Uint8Array.of(type)), 'EINVAL');
    assert.equal(answer(Uint8Array.of(6), kernelOf('5.15')), 'EINVAL');
  });
  test('names an algorithm that a rule allows, or that the kernel can compute; before 5.15 any', () => {
    const sha512 = Uint8Array.of(4, 6);
    assert.equal(answer(sha512), 'EACCES set_data unavailable-hash-algorithm');
    assert.equal(answer(sha512, kernelOf('5.10')), 'ok');
    assert.equal(answer(sha512, { imaHash: 'sha512' }), 'ok');
    assert.equal(answer(Uint8Array.of(4, 2)), 'ok');
    const rule = { allowedAlgorithms: ['sha256'] };
    assert.equal(answer(SHA256, rule), 'ok');
    assert.equal(answer(Uint8Array.of(4, 2), rule), 'EACCES set_data denied-hash-algorithm');
    assert.equal(answer(fromHex('030202a0b1c2d3000100'), rule), 'EACCES set_data denied-hash-algorithm');
  });
});

describe('what EVM protects changes where', () => {
  const bare = withXattrs(F1.metadata, { 'security.ima': null });
  const changing = (change: Partial<ChangingFile> = {}): ChangingFile => {
    return { ...fileOf(F1), isRegular: true, isNew: false, ...change };
  };
  const PORTABLE_FILE = changing({ evm: signed(PORTABLE) });
  const DISABLED: EvmState = { ...NO_KEY, x509: true, setupComplete: true, keys: [KEY] };
  const SET: Change = { kind: 'xattr', name: 'security.ima', value: SHA256 };
  const CHMOD: Change = { kind: 'attributes', changes: true };
  const ACL: Change = { kind: 'acl', changes: true };

  function told({ allowed, error, records }: ChangeDecision): string {
    return allowed ? 'ok' : [error, ...records.map(({ op, cause }) => `${op}:${cause}`)].join(' ');
  }

  const rows: readonly (readonly [
    status: string,
    file: ChangingFile,
    state: EvmState,
    set: string,
    chmod: string,
    acl: string,
  ])[] = [
    ['good', changing(), HMAC, 'ok', 'ok', 'ok'],
    [
      'without attributes',
      changing({ metadata: bare, evm: null }),
      HMAC,
      'EPERM update_metadata:no_xattrs appraise_metadata:no_xattrs',
      'ok',
      'ok',
    ],
    ['without attributes, and new', changing({ metadata: bare, evm: null, isNew: true }), HMAC, 'ok', 'ok', 'ok'],
    ['without attributes, on tmpfs', changing({ metadata: bare, evm: null, isPseudo: true }), HMAC, 'ok', 'ok', 'ok'],
    ['without attributes or HMACs', changing({ metadata: bare, evm: null }), DISABLED, 'ok', 'ok', 'ok'],
    ['without security.evm', changing({ evm: null }), HMAC, ...refusals('no_label')],
    ['without security.evm or HMACs', changing({ evm: null }), DISABLED, 'ok', 'ok', 'ok'],
    ['unknown', changing({ evm: 'unsupported' }), HMAC, ...refusals('unknown')],
    ['wrong', changing({ evm: F1.evm.with(1, 0) }), HMAC, ...refusals('fail')],
    ['portable and good', PORTABLE_FILE, X509, 'EPERM', 'EPERM appraise_metadata:pass_immutable', 'EPERM'],
    ['portable and wrong', { ...PORTABLE_FILE, metadata: { ...F1.metadata, uid: 1 } }, X509, 'ok', 'ok', 'ok'],
    ['wrong, without a key', changing({ evm: F1.evm.with(1, 0) }), NO_KEY, 'ok', 'ok', 'ok'],
    ['wrong, with evm=fix', changing({ evm: F1.evm.with(1, 0) }), { ...HMAC, fix: true }, 'ok', 'ok', 'ok'],
    [
      'wrong, metadata writes allowed',
      changing({ evm: null }),
      { ...HMAC, allowMetadataWrites: true },
      'ok',
      'ok',
      'ok',
    ],
    ['wrong, a directory', changing({ evm: F1.evm.with(1, 0), isRegular: false }), HMAC, 'ok', 'ok', 'ok'],
    ['on overlayfs', changing({ isHmacUnsupported: true }), HMAC, 'ok', 'ok', 'EPERM appraise_metadata:unknown'],
  ];
  function refusals(status: string): [string, string, string] {
    const refusal = `EPERM appraise_metadata:${status}`;
    return [refusal, refusal, refusal];
  }

  const decide = (change: Change, file: ChangingFile, state: EvmState, version = '6.12') =>
    told(decideEvmChange(change, ADMIN, file, { ...state, ...kernelOf(version) }, nodeCrypto));
  for (const [status, file, state, ...expected] of rows)
    test(`the file is ${status}: ${expected.join(', ')}`, () => {
      assert.deepEqual(
        [SET, CHMOD, ACL].map((change) => decide(change, file, state)),
        expected,
      );
    });

  test('nothing becomes another thing, even under a portable signature', () => {
    const label = F1.metadata.xattrs.get('security.ima') ?? assert.fail();
    const same: Change[] = [
      { ...SET, value: label },
      { kind: 'xattr', name: 'security.evm', value: PORTABLE_FILE.evm as Uint8Array },
      { ...CHMOD, changes: false },
      { ...ACL, changes: false },
    ];
    for (const change of same) {
      assert.equal(decide(change, PORTABLE_FILE, X509), 'ok');
      assert.match(decide(change, PORTABLE_FILE, X509, '5.10'), /^EPERM appraise_metadata:pass_immutable$/);
    }
    assert.equal(decide({ ...SET, value: null }, PORTABLE_FILE, X509), 'EPERM');
  });

  test('the attribute is not protected, or is security.evm and a signature', () => {
    const evm = (hex: string | null): Change => {
      return { kind: 'xattr', name: 'security.evm', value: hex === null ? null : fromHex(hex) };
    };
    const broken = changing({ evm: F1.evm.with(1, 0) });
    assert.equal(decide({ kind: 'xattr', name: 'user.a', value: SHA256 }, broken, HMAC), 'ok');
    assert.equal(decide({ kind: 'xattr', name: 'security.SMACK64', value: SHA256 }, broken, HMAC), 'ok');
    assert.equal(decide(evm(toHex(signed(BOUND))), changing(), HMAC), 'ok');
    assert.equal(decide(evm(null), changing(), HMAC), 'ok');
    assert.equal(decide(evm(''), changing(), HMAC), 'EINVAL');
    assert.equal(decide(evm(toHex(F1.evm)), changing(), HMAC), 'EPERM');
    assert.equal(decide(evm('0502'), changing({ isHmacUnsupported: true }), HMAC), 'EPERM');
    const stranger = decideEvmChange(evm('0502'), { isAdmin: false }, changing(), HMAC, nodeCrypto);
    assert.equal(stranger.error, 'EPERM');
  });

  test('the kernel is older than 5.14: only a good file, or one without attributes', () => {
    assert.equal(decide(CHMOD, changing({ evm: null }), DISABLED, '5.10'), 'EPERM appraise_metadata:no_label');
    assert.equal(decide(CHMOD, changing({ metadata: bare, evm: null }), DISABLED, '5.10'), 'ok');
    const wrong = { ...PORTABLE_FILE, metadata: { ...F1.metadata, uid: 1 } };
    assert.equal(decide(CHMOD, wrong, X509, '5.10'), 'EPERM appraise_metadata:fail');
  });
});
