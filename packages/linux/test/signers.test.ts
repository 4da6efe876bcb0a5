import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { FormatError, SystemError } from '@assay/core/errors';
import { fromHex, utf8 } from '@assay/core/bytes';
import {
  encodeEvmLabel,
  encodeImaLabel,
  LABEL_TYPES,
  parseEvmLabel,
  parseImaLabel,
  signLabel,
  verifySignatureLabel,
  type LabelKey,
} from '@assay/core/label';
import { EVM_XATTRS, hmacLabel, signMetadata, verifyEvmSignature, type FileMetadata } from '@assay/core/evm';
import {
  encodePublicKey,
  keyIdOfCertificate,
  makeCertificate,
  parseCertificate,
  parsePublicKey,
} from '@assay/core/keys';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { openPemKey, openSigner, opensslPublicKey } from '@assay/linux/signers';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';

const skip = evmctlMissing();
const isRoot = process.geteuid?.() === 0;
const needsXattr = skip === false && !isRoot ? 'only root writes security.*' : skip;
const CONTENT = 'what we sign\n';
const KEYS: Readonly<Record<string, readonly string[]>> = {
  rsa2048: ['rsa:2048'],
  rsa4096: ['rsa:4096'],
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'],
  p521: ['ec', '-pkeyopt', 'ec_paramgen_curve:secp521r1'],
};
const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

const directory = mkdtempSync(join(tmpdir(), 'assay-signers-'));
after(() => rmSync(directory, { recursive: true }));

function run(program: string, ...args: readonly string[]): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return { stdout, stderr };
}

/** A key pair and its certificate, made by OpenSSL. */
function makeKey(name: string, kind: readonly string[], ...more: readonly string[]): LabelKey {
  const files = ['-keyout', `${name}.pem`, '-out', `${name}.der`, '-outform', 'DER'];
  run('openssl', 'req', '-x509', '-newkey', ...kind, '-subj', `/CN=${name}`, ...files, ...more);
  const certificate = parseCertificate(readFileSync(join(directory, `${name}.der`)));
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
}

const pem = (name: string): Buffer => readFileSync(join(directory, `${name}.pem`));

function store(attribute: string, value: Uint8Array): void {
  run('setfattr', '-n', attribute, '-v', `0x${Buffer.from(value).toString('hex')}`, 'file');
}

writeFileSync(join(directory, 'file'), CONTENT);

for (const [name, kind] of Object.entries(KEYS)) {
  describe(`a PEM key (${name})`, () => {
    const key = makeKey(name, kind, '-nodes');
    const opened = openPemKey(pem(name));
    const signer = { ...opened.signer, keyId: key.keyId };

    test('has the public key of its certificate', () => {
      assert.deepEqual(opened.publicKey, key.publicKey);
      const spki = run('openssl', 'pkey', '-in', `${name}.pem`, '-pubout').stdout;
      const der = Buffer.from(spki.split('\n').slice(1, -2).join(''), 'base64');
      assert.deepEqual(Buffer.from(encodePublicKey(key.publicKey)), der);
      assert.deepEqual(parsePublicKey(der), key.publicKey);
    });

    for (const hash of HASHES) {
      const digest = { algorithm: hash, value: createHash(hash).update(CONTENT).digest() };
      for (const form of [
        { type: LABEL_TYPES.signature, version: 2 },
        { type: LABEL_TYPES.signature, version: 3 },
        { type: LABEL_TYPES.verity, version: 3 },
      ] as const) {
        test(`signs ${hash} in type ${form.type}, version ${form.version}, and the signature verifies`, async () => {
          const raw = encodeImaLabel(await signLabel(digest, form, signer, nodeHasher));
          const label = parseImaLabel(raw);
          assert.ok(label.kind === 'signature');
          assert.equal(verifySignatureLabel(label, digest, key, nodeCrypto).label, label);
        });
      }

      test(`signs ${hash} so that evmctl verifies it`, { skip: needsXattr }, async () => {
        const label = await signLabel(digest, { type: LABEL_TYPES.signature, version: 2 }, signer, nodeHasher);
        store('security.ima', encodeImaLabel(label));
        run(DEBIAN_EVMCTL, 'ima_verify', '--key', `${name}.der`, 'file');
      });
    }

    test('signs portable metadata so that evmctl verifies it', { skip: needsXattr }, async () => {
      const ima = fromHex(run(DEBIAN_EVMCTL, 'ima_hash', 'file').stdout.trim());
      const metadata: FileMetadata = {
        inode: 0n,
        generation: 0,
        uid: process.getuid?.() ?? 0,
        gid: process.getgid?.() ?? 0,
        mode: 0o100644,
        xattrs: new Map([['security.ima', ima]]),
      };
      chmodSync(join(directory, 'file'), 0o644);
      const form = { form: 'portable', wordBits: 64, xattrs: EVM_XATTRS } as const;
      const signed = { algorithm: 'sha256', version: 2 } as const;
      const raw = encodeEvmLabel(await signMetadata(metadata, form, signed, signer, nodeHasher));
      store('security.evm', raw);
      run(DEBIAN_EVMCTL, 'verify', '--portable', '--key', `${name}.der`, 'file');
      const label = parseEvmLabel(raw);
      assert.ok(label.kind === 'signature');
      assert.equal(verifyEvmSignature(label, metadata, form, key, nodeCrypto).label, label);
    });

    test('makes a self-signed certificate that OpenSSL verifies and that has the extensions of the kernel', async () => {
      const parameters = {
        name: `Assay ${name}`,
        publicKey: key.publicKey,
        serial: fromHex('80112233'),
        notBefore: new Date('2026-01-01T00:00:00Z'),
        notAfter: new Date('2051-01-01T00:00:00Z'),
        hash: 'sha256',
      } as const;
      const der = await makeCertificate(parameters, opened, nodeHasher);
      assert.equal(keyIdOfCertificate(nodeHasher, parseCertificate(der)), key.keyId);
      writeFileSync(join(directory, 'own.der'), der);
      run('openssl', 'x509', '-inform', 'DER', '-in', 'own.der', '-out', 'own.pem');
      run('openssl', 'verify', '-x509_strict', '-check_ss_sig', '-CAfile', 'own.pem', '-partial_chain', 'own.pem');
      const { stdout } = run('openssl', 'x509', '-in', 'own.pem', '-noout', '-text');
      for (const text of [/CA:FALSE/, /Digital Signature\n/, /Subject Key Identifier/, /Authority Key Identifier/]) {
        assert.match(stdout, text);
      }
      assert.match(stdout, /Not After : Jan {2}1 00:00:00 2051 GMT/);
    });
  });
}

describe('an RSA signature', () => {
  test('is that of evmctl, byte by byte', { skip }, async () => {
    const key = makeKey('same', ['rsa:2048'], '-nodes');
    const signer = { ...openPemKey(pem('same')).signer, keyId: key.keyId };
    const digest = { algorithm: 'sha256', value: createHash('sha256').update(CONTENT).digest() } as const;
    const label = await signLabel(digest, { type: LABEL_TYPES.signature, version: 2 }, signer, nodeHasher);
    const { stdout } = run(DEBIAN_EVMCTL, 'ima_sign', '-n', '-a', 'sha256', '--key', 'same.pem', 'file');
    assert.deepEqual(encodeImaLabel(label), fromHex(stdout.trim()));
  });

  test('is refused where the key is too short for the hash', async () => {
    makeKey('short', ['rsa:512'], '-nodes');
    const { signer } = openPemKey(pem('short'));
    await assert.rejects(signer.sign('sha512', new Uint8Array(64)), refusal('SIGNER-FAILED'));
    await assert.rejects(signer.sign('tgr192', new Uint8Array(24)), refusal('SIGNER-FAILED'));
  });
});

const refusal = (code: string) => (error: unknown) =>
  (error instanceof FormatError || error instanceof SystemError) && error.code === code;

describe('an encrypted PEM key', () => {
  const key = makeKey('locked', ['rsa:2048'], '-passout', 'pass:secret');
  test('is opened by its passphrase', () => {
    assert.deepEqual(openPemKey(pem('locked'), 'secret').publicKey, key.publicKey);
  });
  test('is refused with a wrong one, and without', () => {
    for (const passphrase of ['wrong', '', undefined]) {
      assert.throws(() => openPemKey(pem('locked'), passphrase), refusal('KEY-PRIVATE'));
    }
  });
  test('what is no key at all is refused', () => {
    for (const text of ['', 'x', '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n']) {
      assert.throws(() => openPemKey(utf8(text)), refusal('KEY-PRIVATE'));
    }
  });
  test('signs by the openssl command, too, which gets the passphrase where nobody can read it', async () => {
    const signer = openSigner({ kind: 'openssl', key: join(directory, 'locked.pem'), passphrase: 'secret' });
    const digest = createHash('sha256').update(CONTENT).digest();
    const ours = await openPemKey(pem('locked'), 'secret').signer.sign('sha256', digest);
    assert.deepEqual(await signer.sign('sha256', digest), ours);
  });
});

describe('an SM2 key', () => {
  test('signs SM3 digests by the openssl command so that OpenSSL verifies them', async () => {
    run('openssl', 'genpkey', '-algorithm', 'SM2', '-out', 'sm2.pem');
    run('openssl', 'pkey', '-in', 'sm2.pem', '-pubout', '-out', 'sm2.pub');
    const path = join(directory, 'sm2.pem');
    const digest = createHash('sm3').update(CONTENT).digest();
    const signature = await openSigner({ kind: 'openssl', key: path }).sign('sm3', digest);
    writeFileSync(join(directory, 'sm2.digest'), digest);
    writeFileSync(join(directory, 'sm2.sig'), signature);
    run('openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', 'sm2.pub', '-in', 'sm2.digest', '-sigfile', 'sm2.sig');
    assert.ok((await opensslPublicKey(path)).length > 60);
  });
});

describe('a program that signs', () => {
  const program = (text: string): string => {
    const path = join(directory, `signer-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`);
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };

  test('gets hash and digest, and its signature verifies', async () => {
    const key = makeKey('hsm', ['rsa:2048'], '-nodes');
    const path = program(
      `read -r hex\n[ "$hex" = "$2" ] || exit 9\nperl -e 'print pack "H*", shift' "$hex" |
       openssl pkeyutl -sign -inkey ${join(directory, 'hsm.pem')} -pkeyopt "digest:$1"`,
    );
    const signer = { ...openSigner({ kind: 'program', path }), keyId: key.keyId };
    const digest = { algorithm: 'sha256', value: createHash('sha256').update(CONTENT).digest() } as const;
    const label = await signLabel(digest, { type: LABEL_TYPES.signature, version: 2 }, signer, nodeHasher);
    const parsed = parseImaLabel(encodeImaLabel(label));
    assert.ok(parsed.kind === 'signature');
    assert.equal(verifySignatureLabel(parsed, digest, key, nodeCrypto).label, parsed);
  });

  for (const [why, text] of [
    ['fails', 'echo no such key >&2; exit 3'],
    ['writes nothing', 'exit 0'],
    ['writes too much', 'head -c 70000 /dev/zero'],
    ['ends by a signal', 'kill -9 $$'],
  ] as const) {
    test(`that ${why} is named with its reason`, async () => {
      const signer = openSigner({ kind: 'program', path: program(text) });
      await assert.rejects(signer.sign('sha256', new Uint8Array(32)), refusal('SIGNER-FAILED'));
    });
  }

  test('that does not exist is named', async () => {
    const signer = openSigner({ kind: 'program', path: join(directory, 'nothing') });
    await assert.rejects(signer.sign('sha256', new Uint8Array(32)), /cannot be started/);
  });
});

/** libp11's engine, by which OpenSSL 3.0 reaches tokens. */
const ENGINE = '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so';
const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const noToken = [ENGINE, MODULE].every((path) => existsSync(path))
  ? false
  : 'no token in software: apt-get install softhsm2 libengine-pkcs11-openssl';

describe('a PKCS#11 URI', () => {
  test('signs by a token, and the signature verifies', { skip: noToken }, async (t) => {
    const key = makeKey('token', ['rsa:2048'], '-nodes');
    mkdirSync(join(directory, 'tokens'));
    writeFileSync(join(directory, 'softhsm2.conf'), `directories.tokendir = ${join(directory, 'tokens')}\n`);
    const before = { ...process.env };
    t.after(() => Object.assign(process.env, { SOFTHSM2_CONF: '', PKCS11_MODULE_PATH: '', ...before }));
    Object.assign(process.env, { SOFTHSM2_CONF: join(directory, 'softhsm2.conf'), PKCS11_MODULE_PATH: MODULE });
    run('softhsm2-util', '--init-token', '--free', '--label', 'assay', '--pin', '1234', '--so-pin', '4321');
    const chosen = ['--token', 'assay', '--label', 'ima', '--id', 'aa', '--pin', '1234'];
    run('openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', 'token.pem', '-out', 'token.p8');
    run('softhsm2-util', '--import', 'token.p8', ...chosen);
    const uri = 'pkcs11:token=assay;object=ima;type=private';
    const signer = { ...openSigner({ kind: 'openssl', key: uri, passphrase: '1234' }), keyId: key.keyId };
    const digest = { algorithm: 'sha256', value: createHash('sha256').update(CONTENT).digest() } as const;
    const label = await signLabel(digest, { type: LABEL_TYPES.signature, version: 2 }, signer, nodeHasher);
    const parsed = parseImaLabel(encodeImaLabel(label));
    assert.ok(parsed.kind === 'signature');
    assert.equal(verifySignatureLabel(parsed, digest, key, nodeCrypto).label, parsed);
    const wrong = openSigner({ kind: 'openssl', key: uri, passphrase: '9999' });
    await assert.rejects(wrong.sign('sha256', digest.value), refusal('SIGNER-FAILED'));
  });

  test('with the PIN in it is refused, because every user could read it', () => {
    const key = 'pkcs11:token=t;object=o?pin-value=1234';
    assert.throws(() => openSigner({ kind: 'openssl', key }), refusal('SIGNER-FAILED'));
  });
});

describe('an HMAC label', () => {
  test('is what parses again', () => {
    const metadata = { inode: 13n, generation: 1, uid: 0, gid: 0, mode: 0o100644, xattrs: new Map() };
    const form = { form: 'bound', wordBits: 64, xattrs: EVM_XATTRS, fsUuid: null } as const;
    const raw = encodeEvmLabel(hmacLabel(nodeHasher, new Uint8Array(32), metadata, form));
    assert.equal(parseEvmLabel(raw).kind, 'hmac');
    assert.equal(raw.length, 21);
  });
});
