import assert from 'node:assert/strict';
import { constants, createPublicKey, generateKeyPairSync, privateEncrypt } from 'node:crypto';
import { describe, test } from 'node:test';
import { FormatError, VerificationError } from '@assay/core/errors';
import { EVM_XATTRS, signMetadata, verifyEvmSignature, type FileMetadata, type MetadataForm } from '@assay/core/evm';
import { hashAlgorithm } from '@assay/core/hash';
import { keyIdOfPublicKey, parsePublicKey, pkcs1Encoding } from '@assay/core/keys';
import {
  encodeEvmLabel,
  encodeImaLabel,
  parseEvmLabel,
  parseImaLabel,
  signLabel,
  signLabelVersion1,
  verifySignatureLabel,
  verifySignatureV1Label,
  type LabelSigner,
} from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';

const MODULUS_SIZE = 256;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 8 * MODULUS_SIZE });
const publicKey = parsePublicKey(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
const keyId = keyIdOfPublicKey(nodeHasher, publicKey);
const KEY = { keyId, publicKey };

const signer: LabelSigner = {
  keyId,
  sign: async (hash, digest) => {
    const block = pkcs1Encoding(hash, digest, MODULUS_SIZE) ?? assert.fail();
    return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
  },
};

const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256'] as const;
const FORMS = [
  { type: 3, version: 2 },
  { type: 3, version: 3 },
  { type: 6, version: 3 },
] as const;
const digestOf = (algorithm: (typeof HASHES)[number], content: string) => {
  return { algorithm, value: nodeHasher.digest(algorithm, Buffer.from(content)) };
};

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

describe('a signature for security.ima', () => {
  for (const algorithm of HASHES) {
    for (const { type, version } of FORMS) {
      test(`of type ${type} and version ${version} over ${algorithm} is of that digest alone`, async () => {
        const digest = digestOf(algorithm, 'content');
        const raw = encodeImaLabel(await signLabel(digest, { type, version }, signer, nodeHasher));
        const label = parseImaLabel(raw);
        assert.ok(label.kind === 'signature');
        assert.deepEqual([...raw.subarray(0, 3)], [type, version, hashAlgorithm(algorithm).kernelId]);
        verifySignatureLabel(label, digest, KEY, nodeCrypto);
        const other = digestOf(algorithm, 'contents');
        assert.throws(() => verifySignatureLabel(label, other, KEY, nodeCrypto), VerificationError);
      });
    }
  }

  test('holds for no other type, version or algorithm than it was made for', async () => {
    const digest = digestOf('sha256', 'content');
    const label = await signLabel(digest, { type: 3, version: 3 }, signer, nodeHasher);
    for (const other of [{ type: 6 }, { version: 2 }, { algorithm: 'sha3-256' }] as const) {
      const claimed = parseImaLabel(encodeImaLabel({ ...label, ...other }));
      assert.ok(claimed.kind === 'signature');
      const algorithm = claimed.algorithm;
      assert.throws(() => verifySignatureLabel(claimed, { ...digest, algorithm }, KEY, nodeCrypto), VerificationError);
    }
  });

  test('with one bit changed anywhere behind the key id is none', async () => {
    const digest = digestOf('sha256', 'content');
    const raw = encodeImaLabel(await signLabel(digest, { type: 3, version: 2 }, signer, nodeHasher));
    for (let at = 9; at < raw.length; at += 13) {
      const label = parseImaLabel(flipped(raw, at));
      assert.ok(label.kind === 'signature');
      assert.throws(() => verifySignatureLabel(label, digest, KEY, nodeCrypto), VerificationError);
    }
  });

  test('is not made over a digest of another size', async () => {
    const short = { algorithm: 'sha256', value: new Uint8Array(20) } as const;
    const long = { algorithm: 'sha256', value: new Uint8Array(33) } as const;
    for (const digest of [short, long]) {
      await assert.rejects(signLabel(digest, { type: 3, version: 2 }, signer, nodeHasher), FormatError);
    }
  });
});

describe('a signature of version 1', () => {
  assert.ok(publicKey.kind === 'rsa');
  const version1 = {
    publicKey,
    signPayload: (payload: Uint8Array) =>
      privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, payload),
  };

  for (const algorithm of ['sha1', 'sha256'] as const) {
    test(`is over the ${algorithm} of the content, the time and the key`, () => {
      const digest = { algorithm, value: nodeHasher.digest(algorithm, Buffer.from('content')) };
      const raw = encodeImaLabel(signLabelVersion1(digest, 1_700_000_000, version1, nodeHasher));
      const label = parseImaLabel(raw);
      assert.ok(label.kind === 'signature-v1' && publicKey.kind === 'rsa');
      assert.equal(label.time, 1_700_000_000);
      verifySignatureV1Label(label, digest, publicKey, nodeCrypto);
      const later = parseImaLabel(flipped(raw, 2));
      assert.ok(later.kind === 'signature-v1' && later.time !== label.time);
      assert.throws(() => verifySignatureV1Label(later, digest, version1.publicKey, nodeCrypto), VerificationError);
    });
  }

  test('is not made over a digest of another size', () => {
    const digest = { algorithm: 'sha1', value: new Uint8Array(32) } as const;
    assert.throws(() => signLabelVersion1(digest, 0, version1, nodeHasher), FormatError);
  });
});

describe('a signature for security.evm', () => {
  const metadata: FileMetadata = {
    inode: 12n,
    generation: 34,
    uid: 5,
    gid: 6,
    mode: 0o100644,
    xattrs: new Map([['security.ima', Uint8Array.of(4, 4, ...new Uint8Array(32))]]),
  };
  const bound: MetadataForm = { form: 'bound', wordBits: 64, xattrs: EVM_XATTRS, fsUuid: new Uint8Array(16) };
  const portable: MetadataForm = { form: 'portable', wordBits: 64, xattrs: EVM_XATTRS };
  const changes: readonly (readonly [keyof FileMetadata, Partial<FileMetadata>])[] = [
    ['uid', { uid: 0 }],
    ['gid', { gid: 0 }],
    ['mode', { mode: 0o104755 }],
    ['xattrs', { xattrs: new Map([['security.ima', Uint8Array.of(4, 4, ...new Uint8Array(31), 1)]]) }],
    ['inode', { inode: 13n }],
    ['generation', { generation: 35 }],
  ];

  for (const [form, type] of [
    [bound, 3],
    [portable, 5],
  ] as const) {
    for (const version of [2, 3] as const) {
      test(`in the ${form.form} form, version ${version}, covers what it says`, async () => {
        const signing = { algorithm: 'sha256', version } as const;
        const raw = encodeEvmLabel(await signMetadata(metadata, form, signing, signer, nodeHasher));
        const label = parseEvmLabel(raw);
        assert.ok(label.kind === 'signature');
        assert.deepEqual([label.type, label.version], [type, version]);
        verifyEvmSignature(label, metadata, form, KEY, nodeCrypto);
        for (const [field, change] of changes) {
          const check = (): unknown => verifyEvmSignature(label, { ...metadata, ...change }, form, KEY, nodeCrypto);
          // What a portable signature leaves out may be anything.
          if (form.form === 'portable' && (field === 'inode' || field === 'generation')) check();
          else assert.throws(check, VerificationError, field);
        }
      });
    }
  }

  test('in the portable form is not made of a file without security.ima', async () => {
    const bare = { ...metadata, xattrs: new Map([['security.selinux', Uint8Array.of(1)]]) };
    const signing = { algorithm: 'sha256', version: 2 } as const;
    await assert.rejects(signMetadata(bare, portable, signing, signer, nodeHasher), FormatError);
  });

  test('in the immutable form of evmctl has its version, which later kernels take for another thing', async () => {
    const signing = { algorithm: 'sha256', version: 2 } as const;
    const form: MetadataForm = { form: 'immutable', xattrs: EVM_XATTRS };
    const { type, version } = await signMetadata(metadata, form, signing, signer, nodeHasher);
    assert.deepEqual([type, version], [3, 3]);
  });
});
