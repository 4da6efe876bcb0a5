import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { evmDigest, EVM_XATTRS, verifyEvmSignature, type FileMetadata, type MetadataForm } from '@assay/core/evm';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import { parseEvmLabel, type LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';

const skip = evmctlMissing();
const UUID = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';
const IMA = '04042d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
const SELINUX = 'system_u:object_r:etc_t:s0';
/** What evmctl is told instead of reading it from the file, so that any file system will do. */
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

const directory = mkdtempSync(join(tmpdir(), 'assay-evm-'));
after(() => {
  rmSync(directory, { recursive: true });
});

function run(program: string, ...args: readonly string[]): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return { stdout, stderr };
}

function makeKey(name: string, ...kind: readonly string[]): LabelKey {
  const files = ['-keyout', `${name}.pem`, '-out', `${name}.der`, '-outform', 'DER'];
  run('openssl', 'req', '-x509', '-newkey', ...kind, '-nodes', '-subj', `/CN=${name}`, ...files);
  const certificate = parseCertificate(readFileSync(join(directory, `${name}.der`)));
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
}

/** The label that evmctl prints without storing it, and the metadata digest that it says it signed. */
function sign(key: string, ...options: readonly string[]): { label: Uint8Array; digest: string } {
  const given = [`--selinux=${SELINUX}`, `--ima=${IMA}`, ...OVERRIDES, ...options];
  const { stdout, stderr } = run(DEBIAN_EVMCTL, '-v', 'sign', '-n', ...given, '--key', `${key}.pem`, 'file');
  const digest = /hash\(\w+\): ([0-9a-f]+)$/m.exec(stderr)?.[1] ?? assert.fail(stderr);
  return { label: fromHex(stdout.trim().split('\n').at(-1) ?? ''), digest };
}

const FORMS: Readonly<
  Record<string, { options: readonly string[]; form: Exclude<MetadataForm, { form: 'immutable' }> }>
> = {
  '64-bit': { options: ['--m64', `--uuid=${UUID}`], form: { form: 'bound', wordBits: 64, xattrs, fsUuid } },
  '32-bit': { options: ['--m32', `--uuid=${UUID}`], form: { form: 'bound', wordBits: 32, xattrs, fsUuid } },
  'without UUID': { options: ['--m64', '--uuid'], form: { form: 'bound', wordBits: 64, xattrs, fsUuid: null } },
  portable: { options: ['--m64', '--portable'], form: { form: 'portable', wordBits: 64, xattrs } },
  'portable, 32-bit': { options: ['--m32', '--portable'], form: { form: 'portable', wordBits: 32, xattrs } },
};

describe('what evmctl signs for security.evm', { skip }, () => {
  writeFileSync(join(directory, 'file'), 'x');
  const keys =
    skip === false
      ? { rsa: makeKey('rsa', 'rsa:2048'), p256: makeKey('p256', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1') }
      : {};
  for (const [name, key] of Object.entries(keys)) {
    for (const [layout, { options, form }] of Object.entries(FORMS)) {
      for (const hash of ['sha1', 'sha256', 'sha512'] as const) {
        test(`${layout}, by ${name} over ${hash}: has our digest and verifies, and not with another mode`, () => {
          const { label: raw, digest } = sign(name, '-a', hash, ...options);
          assert.equal(toHex(evmDigest(nodeHasher, hash, METADATA, form).value), digest);
          const label = parseEvmLabel(raw);
          assert.ok(label.kind === 'signature');
          assert.equal(verifyEvmSignature(label, METADATA, form, key, nodeCrypto).label, label);
          const changed = { ...METADATA, mode: 33152 };
          const check = () => verifyEvmSignature(label, changed, form, key, nodeCrypto);
          assert.throws(check, VerificationError);
        });
      }
    }
  }

  test('as immutable has our digest', () => {
    const { digest } = sign('rsa', '-i', `--uuid=${UUID}`);
    assert.equal(toHex(evmDigest(nodeHasher, 'sha256', METADATA, { form: 'immutable', xattrs }).value), digest);
  });
});
