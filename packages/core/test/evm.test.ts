import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import {
  DEBIAN_EVM_XATTRS,
  decryptKey,
  encryptKey,
  EVM_XATTRS,
  evmHmac,
  metadataInput,
  parseEncryptedKey,
  verifyEvmHmac,
  verifyEvmSignature,
  type FileMetadata,
  type MetadataForm,
} from '@assay/core/evm';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import { parseEvmLabel, type LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import fc from 'fast-check';

const vector = (name: string): Buffer => readFileSync(new URL(`vectors/${name}`, import.meta.url));
const text = (name: string): string => vector(`evm/${name}`).toString();
const refusal = (code: string) => (error: unknown) =>
  (error instanceof FormatError || error instanceof VerificationError) && error.code === code;

const PORTABLE = { form: 'portable', wordBits: 64, xattrs: EVM_XATTRS } as const;
type Bound = Extract<MetadataForm, { form: 'bound' }>;

interface Observed {
  readonly metadata: FileMetadata;
  readonly evm: Uint8Array;
}

function firstGroup(block: string, pattern: RegExp): string {
  return pattern.exec(block)?.[1] ?? assert.fail(`${pattern} is not in: ${block}`);
}

function observed(block: string): Observed {
  const xattrs = new Map(
    Array.from(block.matchAll(/^(\w+\.\w+)=0x([0-9a-f]*)$/gm), ([, name = '', hex = '']) => [name, fromHex(hex)]),
  );
  const evm = xattrs.get('security.evm') ?? assert.fail('no security.evm');
  const number = (pattern: RegExp): number => Number(firstGroup(block, pattern));
  return {
    evm,
    metadata: {
      inode: BigInt(firstGroup(block, /ino=(\d+)/)),
      generation: number(/^(?:gen=)?(\d+)(?: +-|$)/m),
      uid: number(/uid=(\d+)/),
      gid: number(/gid=(\d+)/),
      mode: Number.parseInt(firstGroup(block, /mode=([0-9a-f]+)/), 16),
      xattrs,
    },
  };
}

const isHmac = ({ evm }: Observed): boolean => evm[0] === 2;

function guest(blob: string, master: string, uuid: string): { key: Uint8Array; form: Bound } {
  return {
    key: decryptKey(parseEncryptedKey(blob), utf8(master), nodeCrypto).payload,
    form: { form: 'bound', wordBits: 64, xattrs: DEBIAN_EVM_XATTRS, fsUuid: fromHex(uuid.replaceAll('-', '')) },
  };
}

const DEBIAN = guest(
  text('debian-6.12/evm-key.blob'),
  text('debian-6.12/kmk.txt'),
  text('debian-6.12/uuid.txt').slice(-37).trim(),
);
const FIX_LOG = text('fix-6.12/log.txt');
const FIX_BLOB = firstGroup(FIX_LOG, /^encrypted: (.*)$/m);
const FIX_MASTER = '0123456789abcdef0123456789abcdef';
const FIX = guest(FIX_BLOB, FIX_MASTER, '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9');

const FIX_FILES = FIX_LOG.split(/^FILE /m)
  .slice(1)
  .filter((block) => block.includes('security.evm='))
  .map(observed);
const DEBIAN_FILES = text('debian-6.12/evm.txt').trim().split('\n\n').map(observed);

function hmacOf({ evm }: Observed) {
  const label = parseEvmLabel(evm);
  return label.kind === 'hmac' ? label : assert.fail('no HMAC');
}

describe('the HMAC that a kernel wrote is reproduced from the key', () => {
  for (const [name, files, { key, form }, count] of [
    ['Debian 6.12', DEBIAN_FILES, DEBIAN, 6],
    ['6.12 with evm=fix', FIX_FILES.filter(isHmac), FIX, 14],
  ] as const) {
    assert.equal(files.length, count);
    files.forEach((file, index) => {
      const { inode, mode, uid, gid, xattrs } = file.metadata;
      const what = `inode ${inode}, mode ${mode.toString(8)}, owner ${uid}:${gid}, ${xattrs.size} attributes`;
      test(`${name}, observation ${index + 1}: ${what}`, () => {
        assert.equal(toHex(evmHmac(nodeHasher, key, file.metadata, form)), toHex(file.evm.subarray(1)));
        assert.equal(verifyEvmHmac(hmacOf(file), file.metadata, form, key, nodeHasher).metadata, file.metadata);
      });
    });
  }
});

describe('an HMAC does not verify when', () => {
  const file = DEBIAN_FILES[3] ?? assert.fail();
  const { metadata } = file;
  const { key, form } = DEBIAN;
  const check = (changed: FileMetadata, other: Bound = form, otherKey = key) => {
    assert.throws(() => verifyEvmHmac(hmacOf(file), changed, other, otherKey, nodeHasher), refusal('EVM-INVALID'));
  };
  const withXattr = (name: string, value: Uint8Array): FileMetadata => {
    return { ...metadata, xattrs: new Map(metadata.xattrs).set(name, value) };
  };
  for (const field of ['generation', 'uid', 'gid', 'mode'] as const) {
    test(`${field} is another one`, () => check({ ...metadata, [field]: metadata[field] + 1 }));
  }
  test('the inode is another one', () => check({ ...metadata, inode: metadata.inode + 1n }));
  test('an attribute has another value', () => check(withXattr('security.capability', Uint8Array.of(1))));
  test('an attribute was added', () => check(withXattr('security.selinux', Uint8Array.of(1))));
  test('an attribute was removed', () => {
    check({ ...metadata, xattrs: new Map([...metadata.xattrs].filter(([name]) => name !== 'security.capability')) });
  });
  test('it is on another file system', () => check(metadata, { ...form, fsUuid: new Uint8Array(16) }));
  test('the kernel had other options', () => {
    check(metadata, { ...form, fsUuid: null });
    check(metadata, { ...form, wordBits: 32 });
  });
  test('the key is another one', () => check(metadata, form, key.with(63, (key[63] ?? 0) ^ 1)));
  test('but it does when an attribute changes that EVM does not protect', () => {
    const changed = withXattr('user.anything', Uint8Array.of(1));
    assert.equal(verifyEvmHmac(hmacOf(file), changed, form, key, nodeHasher).metadata, changed);
  });
});

function labelKey(name: string): LabelKey {
  const certificate = parseCertificate(vector(`labels/${name}`));
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
}

describe('portable signatures', () => {
  const [before, after] = FIX_FILES.filter((file) => !isHmac(file));
  assert.ok(before !== undefined && after !== undefined);
  const rsa = observed(text('portable-6.1.txt'));
  const check = ({ evm, metadata }: Observed, key: string, form: Bound | typeof PORTABLE = PORTABLE) => {
    const label = parseEvmLabel(evm);
    assert.ok(label.kind === 'signature');
    return verifyEvmSignature(label, metadata, form, labelKey(key), nodeCrypto);
  };
  test('by ECDSA and RSA that kernels read are good', () => {
    assert.equal(check(before, 'p256.der').label.type, 5);
    assert.equal(check(rsa, 'rsa-6.1.der').label.type, 5);
  });
  test('hold for another inode, and not for another owner, mode or label', () => {
    check({ ...before, metadata: { ...before.metadata, inode: 1n, generation: 1 } }, 'p256.der');
    for (const changed of [{ uid: 1 }, { gid: 1 }, { mode: 0o100755 }]) {
      const other = { ...before, metadata: { ...before.metadata, ...changed } };
      assert.throws(() => check(other, 'p256.der'), refusal('IMA-SIG-INVALID'));
    }
    assert.throws(() => check(after, 'p256.der'), refusal('IMA-SIG-INVALID'));
  });
  test('are not taken over the bound form', () => {
    assert.throws(() => check(before, 'p256.der', FIX.form), refusal('IMA-SIG-INVALID'));
  });
  test('need security.ima', () => {
    const bare = { ...before, metadata: { ...before.metadata, xattrs: new Map() } };
    assert.throws(() => check(bare, 'p256.der'), refusal('EVM-METADATA'));
  });
});

describe('the bytes that are hashed', () => {
  const metadata: FileMetadata = {
    inode: 1234n,
    generation: 5678,
    uid: 5,
    gid: 7,
    mode: 0o100644,
    xattrs: new Map([['security.ima', Uint8Array.of(0x04)]]),
  };
  const xattrs = ['security.ima'];
  const fsUuid = new Uint8Array(16).fill(0xee);
  for (const [what, form, expected] of [
    [
      '64-bit',
      { form: 'bound', wordBits: 64, xattrs, fsUuid },
      `04d2040000000000002e1600000500000007000000a4810000${'ee'.repeat(16)}`,
    ],
    [
      '64-bit without UUID',
      { form: 'bound', wordBits: 64, xattrs, fsUuid: null },
      '04d2040000000000002e1600000500000007000000a4810000',
    ],
    ['32-bit', { form: 'bound', wordBits: 32, xattrs, fsUuid: null }, '04d20400002e1600000500000007000000a4810000'],
    ['portable', { form: 'portable', wordBits: 64, xattrs }, '040000000000000000000000000500000007000000a4810000'],
    ['portable, 32-bit', { form: 'portable', wordBits: 32, xattrs }, '0400000000000000000500000007000000a4810000'],
    ['immutable', { form: 'immutable', xattrs }, '040500000007000000a4810000'],
    ['no attribute', { form: 'immutable', xattrs: [] }, '0500000007000000a4810000'],
  ] as const) {
    test(`${what}: values, structure with its padding, UUID`, () => {
      assert.equal(toHex(metadataInput(metadata, form)), expected);
    });
  }

  const bound: Bound = { form: 'bound', wordBits: 32, xattrs, fsUuid: null };
  for (const [why, changed, form] of [
    ['an inode over 32 bits on a 32-bit kernel', { inode: 1n << 32n }, bound],
    ['an inode over 64 bits', { inode: 1n << 64n }, { ...bound, wordBits: 64 }],
    ['a negative owner', { uid: -1 }, bound],
    ['a group over 32 bits', { gid: 2 ** 32 }, bound],
    ['a mode over 16 bits', { mode: 65536 }, bound],
    ['a generation that is no whole number', { generation: 0.5 }, bound],
    ['a UUID of another size', {}, { ...bound, fsUuid: new Uint8Array(15) }],
    ['an attribute listed twice', {}, { ...bound, xattrs: [...xattrs, ...xattrs] }],
  ] as const) {
    test(`are refused for ${why}`, () => {
      assert.throws(() => metadataInput({ ...metadata, ...changed }, form), refusal('EVM-METADATA'));
    });
  }

  test('are not hashed with a key of over 128 bytes', () => {
    assert.throws(() => evmHmac(nodeHasher, new Uint8Array(129), metadata, bound), refusal('EVM-KEY'));
  });
});

describe('encrypted keys', () => {
  test('of the kernel are decrypted, and encrypted again to the same text', () => {
    const parsed = parseEncryptedKey(FIX_BLOB);
    const payload = decryptKey(parsed, utf8(FIX_MASTER), nodeCrypto).payload;
    assert.equal(payload.length, 64);
    assert.ok(toHex(payload).startsWith('6031e24d6be18711') && toHex(payload).endsWith('392b5febcd'));
    const master = { name: 'user:kmk', payload: utf8(FIX_MASTER) };
    assert.equal(encryptKey(payload, master, parsed.iv, nodeCrypto), FIX_BLOB);
  });

  test('are refused under another master key, and with any byte of the text changed', () => {
    const parsed = parseEncryptedKey(FIX_BLOB);
    const other = utf8(`1${FIX_MASTER.slice(1)}`);
    assert.throws(() => decryptKey(parsed, other, nodeCrypto), refusal('EVM-KEY-INVALID'));
    for (let at = 0; at < FIX_BLOB.length; at++) {
      const letter = FIX_BLOB[at] === '1' ? '2' : '1';
      const changed = FIX_BLOB.slice(0, at) + letter + FIX_BLOB.slice(at + 1);
      const read = () => decryptKey(parseEncryptedKey(changed), utf8(FIX_MASTER), nodeCrypto);
      assert.throws(read, (error) => error instanceof FormatError || error instanceof VerificationError, changed);
    }
  });

  const hex = firstGroup(FIX_BLOB, /([0-9a-f]+)$/);
  for (const [why, blob, code] of [
    ['nothing', '', 'EVM-KEY'],
    ['another format', `other user:kmk 64 ${hex}`, 'EVM-KEY'],
    ['another kind of master key', `default logon:kmk 64 ${hex}`, 'EVM-KEY'],
    ['a length that does not fit', `default user:kmk 65 ${hex}`, 'EVM-KEY'],
    ['a length under 20', `default user:kmk 19 ${hex}`, 'EVM-KEY'],
    ['a length over 4096', `default user:kmk 4097 ${hex}`, 'EVM-KEY'],
    ['a length with zeros in front', `default user:kmk 064 ${hex}`, 'EVM-KEY'],
    ['an odd number of digits', `default user:kmk 64 ${hex.slice(1)}`, 'TEXT-HEX'],
    ['upper case', `default user:kmk 64 ${hex.toUpperCase()}`, 'EVM-KEY'],
    ['bytes behind the end', `default user:kmk 64 ${hex}00`, 'EVM-KEY'],
    ['text behind the end', `default user:kmk 64 ${hex} more`, 'EVM-KEY'],
    ['no zero after the IV', `default user:kmk 64 ${hex.slice(0, 32)}01${hex.slice(34)}`, 'EVM-KEY'],
    ['a text that is too long', `default user:kmk 64 ${hex.padEnd(17000, '0')}`, 'BYTES-LIMIT'],
  ] as const) {
    test(`are refused: ${why} (${code})`, () => assert.throws(() => parseEncryptedKey(blob), refusal(code)));
  }

  test('of every length are read as they were written', () => {
    const payload = fc.uint8Array({ minLength: 20, maxLength: 128 });
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(payload, bytes, bytes, fc.constantFrom('user:kmk', 'trusted:kmk'), (key, master, iv, name) => {
        const blob = encryptKey(key, { name, payload: master }, iv, nodeCrypto);
        assert.equal(toHex(decryptKey(parseEncryptedKey(`${blob}\n`), master, nodeCrypto).payload), toHex(key));
      }),
    );
  });

  test('are not written where they could not be read', () => {
    const master = { name: 'user:kmk', payload: utf8(FIX_MASTER) };
    const iv = new Uint8Array(16);
    assert.throws(() => encryptKey(new Uint8Array(19), master, iv, nodeCrypto), refusal('EVM-KEY'));
    assert.throws(() => encryptKey(new Uint8Array(64), { ...master, name: 'kmk' }, iv, nodeCrypto), refusal('EVM-KEY'));
    assert.throws(() => encryptKey(new Uint8Array(64), master, iv, nodeCrypto, 'other'), refusal('EVM-KEY'));
  });

  test('are what a 6.12 kernel takes and prints; of the key that EVM has fetched it prints zeros', () => {
    const lines = text('keys-6.12.txt').trim().split('\n');
    const values = new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
    const payloadOf = (name: string): string => {
      const parsed = parseEncryptedKey(values.get(name) ?? '');
      return toHex(decryptKey(parsed, fromHex(values.get('master') ?? ''), nodeCrypto).payload);
    };
    assert.equal(payloadOf('wiped'), '00'.repeat(64));
    assert.match(payloadOf('ours'), /^a5f09ad8/);
    assert.match(payloadOf('kernel'), /^d87db310/);
  });
});
