import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { EVM_XATTRS, signMetadata, type FileMetadata, type MetadataForm } from '@assay/core/evm';
import { encodePublicKey, keyIdOfKeyInfo, keyIdOfPublicKey, makeCertificate } from '@assay/core/keys';
import { encodeEvmLabel, LABEL_TYPES, signLabel } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { openPemKey } from '@assay/linux/signers';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';

const skip = evmctlMissing();
const UUID = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';
const IMA = '04042d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
const SELINUX = 'system_u:object_r:etc_t:s0';
const OVERRIDES = ['--ino=1234', '--generation=5678', '--uid=5', '--gid=7', '--mode=33188', '--caps='];
const METADATA: FileMetadata = {
  inode: 1234n,
  generation: 5678,
  uid: 5,
  gid: 7,
  mode: 33188,
  xattrs: new Map([
    ['security.ima', fromHex(IMA)],
    ['security.selinux', utf8(`${SELINUX}\0`)],
  ]),
};
const xattrs = EVM_XATTRS;
const fsUuid = fromHex(UUID.replaceAll('-', ''));

const directory = mkdtempSync(join(tmpdir(), 'assay-signers-evm-'));
after(() => rmSync(directory, { recursive: true }));

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

run('openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'key.pem');
writeFileSync(join(directory, 'file'), 'x');
const opened = openPemKey(readFileSync(join(directory, 'key.pem')));
const signer = { ...opened.signer, keyId: keyIdOfPublicKey(nodeHasher, opened.publicKey) };

const FORMS: readonly (readonly [name: string, options: readonly string[], form: MetadataForm])[] = [
  ['bound', ['--m64', `--uuid=${UUID}`], { form: 'bound', wordBits: 64, xattrs, fsUuid }],
  ['bound, 32-bit', ['--m32', `--uuid=${UUID}`], { form: 'bound', wordBits: 32, xattrs, fsUuid }],
  ['bound, without UUID', ['--m64', '--uuid'], { form: 'bound', wordBits: 64, xattrs, fsUuid: null }],
  ['portable', ['--m64', '--portable'], { form: 'portable', wordBits: 64, xattrs }],
  ['immutable', ['-i', `--uuid=${UUID}`], { form: 'immutable', xattrs }],
];

describe('a signature of metadata by an RSA key is that of evmctl, byte by byte', { skip }, () => {
  for (const [name, options, form] of FORMS) {
    for (const algorithm of ['sha1', 'sha256', 'sha512'] as const) {
      test(`${name}, ${algorithm}`, async () => {
        const given = [`--selinux=${SELINUX}`, `--ima=${IMA}`, ...OVERRIDES, ...options, '-a', algorithm];
        const theirs = run(DEBIAN_EVMCTL, 'sign', '-n', ...given, '--key', 'key.pem', 'file');
        const label = await signMetadata(METADATA, form, { algorithm, version: 2 }, signer, nodeHasher);
        assert.equal(toHex(encodeEvmLabel(label)), theirs.trim());
      });
    }
  }
});

test('a label is signed over a digest of its algorithm only', async () => {
  const form = { type: LABEL_TYPES.signature, version: 2 } as const;
  const digest = { algorithm: 'sha256', value: new Uint8Array(20) } as const;
  await assert.rejects(signLabel(digest, form, signer, nodeHasher), { code: 'LABEL-FORM' });
});

describe('a certificate', () => {
  const parameters = {
    publicKey: opened.publicKey,
    serial: Uint8Array.of(1),
    notBefore: new Date(0),
    notAfter: new Date(1),
    hash: 'sha256',
  } as const;
  for (const [why, name, serial] of [
    ['without a name', '', Uint8Array.of(1)],
    ['with too long a name', 'x'.repeat(65), Uint8Array.of(1)],
    ['with too long a serial number', 'x', new Uint8Array(21)],
  ] as const) {
    test(`${why} is refused`, async () => {
      await assert.rejects(makeCertificate({ ...parameters, name, serial }, opened, nodeHasher), FormatError);
    });
  }
});

describe('a public key of any kind', () => {
  const der = encodePublicKey(opened.publicKey);
  test('has its key id without being understood', () => {
    assert.equal(keyIdOfKeyInfo(nodeHasher, der), signer.keyId);
  });
  for (const [why, bytes] of [
    ['nothing', new Uint8Array(0)],
    ['cut short', der.subarray(0, -1)],
    ['followed by more', Uint8Array.of(...der, 0)],
    ['without its bits', Uint8Array.of(0x30, 2, 0x30, 0)],
    ['with bits that are not whole bytes', Uint8Array.of(0x30, 6, 0x30, 0, 3, 2, 1, 0)],
    ['with no bits at all', Uint8Array.of(0x30, 4, 0x30, 0, 3, 0)],
  ] as const) {
    test(`${why} is refused`, () => assert.throws(() => keyIdOfKeyInfo(nodeHasher, bytes), { code: 'DER-FORM' }));
  }
});
