import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fromHex } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import {
  digestLabel,
  encodeImaLabel,
  parseImaLabel,
  verifySignatureLabel,
  verifySignatureV1Label,
  type LabelKey,
} from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';

const skip = evmctlMissing();
const KEYS = { rsa: ['rsa:2048'], p256: ['ec', 'prime256v1'], p384: ['ec', 'secp384r1'] } as const;
const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
const CONTENT = 'what evmctl signs\n';

const directory = mkdtempSync(join(tmpdir(), 'assay-label-'));
after(() => {
  rmSync(directory, { recursive: true });
});

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** A key pair with its certificate, made by OpenSSL in the temporary directory. */
function makeKey(name: string, [kind, curve]: readonly [string, string?]): LabelKey {
  const options = curve === undefined ? [] : ['-pkeyopt', `ec_paramgen_curve:${curve}`];
  const files = ['-keyout', `${name}.pem`, '-out', `${name}.der`, '-outform', 'DER'];
  run('openssl', 'req', '-x509', '-newkey', kind, ...options, '-nodes', '-subj', `/CN=${name}`, ...files);
  const certificate = parseCertificate(readFileSync(join(directory, `${name}.der`)));
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
}

/** What evmctl prints as the label: `-n` stores nothing, so the test needs neither root nor a file system's help. */
function printed(...args: readonly string[]): Uint8Array {
  return fromHex(
    run(DEBIAN_EVMCTL, ...args, '-n', 'file')
      .trim()
      .split('\n')
      .at(-1) ?? '',
  );
}

describe('what evmctl labels', { skip }, () => {
  writeFileSync(join(directory, 'file'), CONTENT);
  const digestOf = (algorithm: HashName, content = CONTENT) => {
    return { algorithm, value: createHash(algorithm).update(content).digest() };
  };
  for (const hash of HASHES) {
    test(`with a ${hash} digest is the label that we write`, () => {
      const { algorithm, value } = digestOf(hash);
      assert.deepEqual(encodeImaLabel(digestLabel(algorithm, value)), printed('ima_hash', '-a', hash));
    });
  }
  for (const [name, kind] of Object.entries(KEYS)) {
    const key = skip === false ? makeKey(name, kind) : null;
    for (const hash of HASHES) {
      test(`with a signature by ${name} over ${hash} we verify, and not for another file`, () => {
        assert.ok(key !== null);
        const label = parseImaLabel(printed('ima_sign', '-a', hash, '--key', `${name}.pem`));
        assert.ok(label.kind === 'signature');
        assert.equal(verifySignatureLabel(label, digestOf(hash), key, nodeCrypto).label, label);
        const other = digestOf(hash, 'another file');
        assert.throws(() => verifySignatureLabel(label, other, key, nodeCrypto), VerificationError);
      });
    }
  }
  for (const hash of ['sha1', 'sha256'] as const)
    test(`with a signature of version 1 over ${hash} we verify, read and write again`, () => {
      const raw = printed('ima_sign', '--rsa', '-a', hash, '--key', 'rsa.pem');
      const label = parseImaLabel(raw);
      assert.ok(label.kind === 'signature-v1');
      assert.deepEqual([label.algorithm, label.bits], [hash, 2048]);
      assert.ok(Math.abs(label.time - Date.now() / 1000) < 600);
      assert.deepEqual(encodeImaLabel(label), raw);
      const { publicKey } = parseCertificate(readFileSync(join(directory, 'rsa.der')));
      assert.ok(publicKey.kind === 'rsa');
      assert.equal(verifySignatureV1Label(label, digestOf(hash), publicKey, nodeCrypto).label, label);
      for (const [changed, digest] of [
        [label, digestOf(hash, 'another file')],
        [label, digestOf('sha512')],
        [{ ...label, time: label.time + 1 }, digestOf(hash)],
        [{ ...label, keyId: new Uint8Array(8) }, digestOf(hash)],
      ] as const) {
        assert.throws(() => verifySignatureV1Label(changed, digest, publicKey, nodeCrypto), VerificationError);
      }
    });
});

describe('security.ima as evmctl stores it', () => {
  const needs = process.getuid?.() === 0 ? skip : 'only root writes security.ima';
  test('is read from the file as printed', { skip: needs }, () => {
    const value = fromHex(run(DEBIAN_EVMCTL, 'ima_hash', 'file').trim());
    const [, stored = ''] =
      /security\.ima=0x([0-9a-f]+)/.exec(run('getfattr', '-e', 'hex', '-n', 'security.ima', 'file')) ?? [];
    assert.deepEqual(fromHex(stored), value);
    const label = parseImaLabel(fromHex(stored));
    assert.ok(label.kind === 'digest');
    assert.deepEqual(label.digest, new Uint8Array(createHash('sha256').update(CONTENT).digest()));
  });
});
