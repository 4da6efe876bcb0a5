import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fromHex, toHex } from '@assay/core/bytes';
import { DEBIAN_EVM_XATTRS, EVM_XATTRS } from '@assay/core/evm';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import type { LabelKey } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { VERITY_DEFAULTS } from '@assay/core/verity';
import { labelFiles, type LabelJob, type LabelledFile, type LabelResult, type SigningKey } from '@assay/linux/labels';
import { TreeWalk } from '@assay/linux/tree';
import { getXattr, removeXattr, setXattr } from '@assay/linux/xattr';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';

const isRoot = process.geteuid?.() === 0;
const skip = isRoot ? false : 'only root writes security.*';
const noEvmctl = evmctlMissing() || skip;
const directory = mkdtempSync(join(tmpdir(), 'assay-labels-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

function scratch(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function labelled(job: LabelJob, paths: readonly string[], threads?: number): Promise<LabelledFile[]> {
  const walk = new TreeWalk({ include: [], exclude: [], oneFileSystem: false });
  const found: LabelledFile[] = [];
  const files = walk.files(paths.map((path) => Buffer.from(path)));
  for await (const each of labelFiles(files, job, threads)) found.push(each);
  return found;
}

async function one(job: LabelJob, path: string): Promise<LabelResult> {
  const [only, ...more] = await labelled(job, [path]);
  assert.equal(more.length, 0);
  return only?.result ?? assert.fail();
}

const HASH = { kind: 'hash', algorithm: 'sha256', replaceSignatures: false, dryRun: false } as const;
const VERIFY = { kind: 'verify', keys: [] as LabelKey[], verity: VERITY_DEFAULTS } as const;
const hexOf = (path: string, name: string): string => toHex(getXattr(Buffer.from(path), name) ?? new Uint8Array(0));
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

function makeKey(name: string, ...kind: readonly string[]): { key: SigningKey; label: LabelKey } {
  const files = ['-keyout', `${name}.pem`, '-out', `${name}.der`, '-outform', 'DER'];
  run('openssl', 'req', '-x509', '-newkey', ...kind, '-nodes', '-subj', `/CN=${name}`, ...files);
  const certificate = parseCertificate(readFileSync(join(directory, `${name}.der`)));
  const label = { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
  const source = { kind: 'pem', pem: readFileSync(join(directory, `${name}.pem`)) } as const;
  return { label, key: { source, ...label, algorithm: 'sha256', version: 2 } };
}

describe('hashing', { skip }, () => {
  test('writes the digest, leaves a right one, and mends a wrong one', async () => {
    const path = scratch('hashed', 'one');
    assert.equal((await one({ ...HASH, dryRun: true }, path)).state, 'would-change');
    assert.equal(hexOf(path, 'security.ima'), '');
    assert.equal((await one(HASH, path)).state, 'changed');
    assert.equal(hexOf(path, 'security.ima'), `0404${sha256('one')}`);
    assert.equal((await one(HASH, path)).state, 'unchanged');
    assert.equal((await one(VERIFY, path)).state, 'right');
    appendFileSync(path, ' more');
    const { state, code } = await one(VERIFY, path);
    assert.deepEqual([state, code], ['wrong', 'IMA-HASH-INVALID']);
    assert.equal((await one(HASH, path)).state, 'changed');
    assert.equal(hexOf(path, 'security.ima'), `0404${sha256('one more')}`);
  });

  for (const size of [0, 1, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, 3_000_000, 16 * 1024 * 1024, 17_000_001]) {
    test(`${size} bytes gives what sha512 gives`, async () => {
      const path = scratch('sized', 'x'.repeat(size));
      await one({ ...HASH, algorithm: 'sha512' }, path);
      const digest = createHash('sha512').update('x'.repeat(size)).digest('hex');
      assert.equal(hexOf(path, 'security.ima'), `0406${digest}`);
    });
  }

  test('leaves signatures, unless they are to be replaced', async () => {
    const path = scratch('kept', 'x');
    setXattr(Buffer.from(path), 'security.ima', fromHex('03020446e12569000101'));
    assert.equal((await one(HASH, path)).state, 'kept');
    assert.equal(hexOf(path, 'security.ima'), '03020446e12569000101');
    assert.equal((await one({ ...HASH, replaceSignatures: true }, path)).state, 'changed');
  });

  test('of a file without a label is missing, of junk unreadable', async () => {
    const path = scratch('none', 'x');
    assert.equal((await one(VERIFY, path)).code, 'LABEL-MISSING');
    setXattr(Buffer.from(path), 'security.ima', fromHex('04ff00'));
    const { state, code } = await one(VERIFY, path);
    assert.deepEqual([state, code], ['wrong', 'HASH-UNKNOWN']);
  });

  for (const threads of [1, 2, 4]) {
    test(`many files on ${threads} threads gives every result at its path, in order`, async () => {
      const root = mkdtempSync(join(directory, 'many-'));
      const names = Array.from({ length: 500 }, (_, index) => String(index).padStart(4, '0'));
      for (const name of names) {
        writeFileSync(join(root, name), name.repeat(Number(name) % 7 === 0 ? 30_000 : 1));
        if (Number(name) % 12 === 1) truncateSync(join(root, name), 17_000_000 + Number(name));
      }
      run('mkfifo', join(root, 'pipe'));
      const found = await labelled(HASH, [root, join(root, 'nothing')], threads);
      const paths = found.map(({ path }) => path.toString().slice(root.length + 1));
      assert.deepEqual(paths, [...names, 'nothing']);
      assert.equal(found.at(-1)?.result.state, 'failed');
      for (const { path, result } of found.slice(0, -1)) {
        assert.equal(result.state, 'changed');
        assert.equal(hexOf(path.toString(), 'security.ima'), `0404${sha256(readFileSync(path))}`);
      }
    });
  }

  test('where the file system keeps no labels fails with the reason', async () => {
    const root = '/proc/version'; // A file is taken where its directory would not be.
    assert.deepEqual([(await one(HASH, root)).code], ['XATTR-UNSUPPORTED']);
  });
});

describe('signing', { skip: noEvmctl }, () => {
  for (const kind of [['rsa:2048'], ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1']]) {
    test(`by ${kind.at(-1)} is verified by evmctl, left when it is right, and wrong after a change`, async () => {
      const { key, label } = makeKey('signer', ...kind);
      const path = scratch('signed', 'content');
      const job = { kind: 'sign', key, dryRun: false } as const;
      assert.equal((await one({ ...job, dryRun: true }, path)).state, 'would-change');
      assert.equal((await one(job, path)).state, 'changed');
      run(DEBIAN_EVMCTL, 'ima_verify', '--key', 'signer.der', 'signed');
      assert.equal((await one(job, path)).state, 'unchanged');
      assert.equal((await one({ ...VERIFY, keys: [label] }, path)).state, 'right');
      assert.equal((await one(VERIFY, path)).code, 'IMA-SIG-KEY-UNKNOWN');
      appendFileSync(path, '.');
      assert.equal((await one({ ...VERIFY, keys: [label] }, path)).code, 'IMA-SIG-INVALID');
      assert.equal((await one(job, path)).state, 'changed');
      assert.equal((await one({ ...job, key: { ...key, version: 3 } }, path)).state, 'changed');
      assert.equal((await one({ ...VERIFY, keys: [label] }, path)).state, 'right');
    });
  }

  test('the fs-verity digest says that the kernel does not enforce it yet', async () => {
    const { key, label } = makeKey('verity', 'rsa:2048');
    const path = scratch('verity', 'hello');
    const { digest } = await one({ kind: 'sign', key, verity: VERITY_DEFAULTS, dryRun: false }, path);
    assert.equal(toHex(digest?.value ?? new Uint8Array(0)), run('fsverity', 'digest', '--compact', path).trim());
    assert.equal((await one({ ...VERIFY, keys: [label] }, path)).code, 'VERITY-DISABLED');
  });

  /** A program that signs, and writes to the file while it does so: as often as `times` says. */
  function meddling(path: string, times: number): string {
    const program = join(directory, 'meddling');
    const count = scratch('count', '');
    const text = `#!/bin/sh\nif [ "$(wc -c <${count})" -lt ${times} ]; then printf . >>${count}; printf . >>${path}; fi
perl -e 'print pack "H*", shift' "$2" | openssl pkeyutl -sign -inkey ${directory}/busy.pem -pkeyopt digest:$1\n`;
    writeFileSync(program, text, { mode: 0o755 });
    return program;
  }

  test('a file that changes meanwhile is done again until it stays the same', async () => {
    const { key, label } = makeKey('busy', 'rsa:2048');
    const path = scratch('meddled', 'x');
    const source = { kind: 'program', path: meddling(path, 2) } as const;
    assert.equal((await one({ kind: 'sign', key: { ...key, source }, dryRun: false }, path)).state, 'changed');
    assert.equal(readFileSync(path, 'latin1'), 'x..');
    assert.equal((await one({ ...VERIFY, keys: [label] }, path)).state, 'right');
  });

  test('a file that changes all the time is given up, without a label', async () => {
    const { key } = makeKey('busy', 'rsa:2048');
    const path = scratch('meddled-always', 'x');
    const source = { kind: 'program', path: meddling(path, 1000) } as const;
    const { state, code } = await one({ kind: 'sign', key: { ...key, source }, dryRun: false }, path);
    assert.deepEqual([state, code, hexOf(path, 'security.ima')], ['failed', 'FILE-CHANGING', '']);
  });

  test('by a program that signs with another key is refused, and the label stays', async () => {
    const { key } = makeKey('right', 'rsa:2048');
    makeKey('other', 'rsa:2048');
    const program = scratch(
      'program',
      `#!/bin/sh\nperl -e 'print pack "H*", shift' "$2" | openssl pkeyutl -sign -inkey ${directory}/other.pem -pkeyopt digest:$1\n`,
    );
    chmodSync(program, 0o755);
    const path = scratch('guarded', 'x');
    const job = { kind: 'sign', key: { ...key, source: { kind: 'program', path: program } }, dryRun: false } as const;
    const { state, code } = await one(job, path);
    assert.deepEqual([state, code, hexOf(path, 'security.ima')], ['failed', 'SIGNER-FAILED', '']);
  });
});

describe('EVM', { skip: noEvmctl }, () => {
  const bound = { form: 'bound', wordBits: 64, xattrs: DEBIAN_EVM_XATTRS, fsUuid: 'auto' } as const;
  const portable = { form: 'portable', wordBits: 64, xattrs: EVM_XATTRS } as const;
  const hmacKey = new Uint8Array(64).fill(7);
  const verify = { kind: 'evm-verify', keys: [] as LabelKey[], hmacKey, bound, portable } as const;

  test('signatures, bound and portable, are those that evmctl verifies', { skip: cannotMount() ?? false }, async () => {
    using mount = mountExt4();
    const { key, label } = makeKey('evm', 'rsa:2048');
    const path = join(mount.path, 'file');
    writeFileSync(path, 'content');
    await one(HASH, path);
    const job = { kind: 'evm-sign', key, form: portable, dryRun: false } as const;
    assert.equal((await one(job, path)).state, 'changed');
    run(DEBIAN_EVMCTL, 'verify', '--key', 'evm.der', path);
    assert.equal((await one(job, path)).state, 'unchanged');
    assert.equal((await one({ ...verify, keys: [label] }, path)).state, 'right');
    const bind = { ...job, form: bound } as const;
    const first = await one(bind, path);
    assert.deepEqual([first.state, first.message], ['changed', undefined]);
    const device = run('findmnt', '-n', '-o', 'SOURCE', mount.path).trim();
    const uuid = run('blkid', '-p', '-o', 'value', '-s', 'UUID', device).trim();
    run(DEBIAN_EVMCTL, 'verify', `--uuid=${uuid}`, '--key', 'evm.der', path);
    assert.equal((await one({ ...verify, keys: [label] }, path)).state, 'right');
    chmodSync(path, 0o600);
    assert.equal((await one({ ...verify, keys: [label] }, path)).code, 'IMA-SIG-INVALID');
  });

  test('HMACs are right, and wrong after a change of the mode', {
    skip: cannotMount() ?? false,
  }, async () => {
    using mount = mountExt4();
    const path = join(mount.path, 'file');
    writeFileSync(path, 'content');
    await one(HASH, path);
    const job = { kind: 'evm-hmac', key: hmacKey, form: bound, dryRun: false } as const;
    assert.deepEqual([(await one(job, path)).state, (await one(job, path)).state], ['changed', 'unchanged']);
    assert.equal((await one(verify, path)).state, 'right');
    chmodSync(path, 0o600);
    assert.equal((await one(verify, path)).code, 'EVM-INVALID');
  });

  test('a portable signature needs security.ima', async () => {
    const { key } = makeKey('bare', 'rsa:2048');
    const path = scratch('bare', 'x');
    removeXattr(Buffer.from(path), 'security.ima');
    const { state, code } = await one({ kind: 'evm-sign', key, form: portable, dryRun: false }, path);
    assert.deepEqual([state, code], ['failed', 'EVM-METADATA']);
  });

  test('a file without security.evm, and an HMAC without its key, are wrong', async () => {
    const path = scratch('unlabelled', 'x');
    assert.equal((await one(verify, path)).code, 'LABEL-MISSING');
    setXattr(Buffer.from(path), 'security.evm', fromHex(`02${'00'.repeat(20)}`));
    const { kind, keys } = verify;
    assert.equal((await one({ kind, keys, bound, portable }, path)).code, 'IMA-SIG-KEY-UNKNOWN');
  });
});

test('a key that cannot be opened is an error before any file is touched', { skip }, async () => {
  const source = { kind: 'pem', pem: new Uint8Array(0) } as const;
  const key = { source, keyId: 1, algorithm: 'sha256', version: 2 } as const;
  const path = scratch('untouched', 'x');
  await assert.rejects(labelled({ kind: 'sign', key, dryRun: false }, [path]), { code: 'KEY-PRIVATE' });
});

test('fs-verity digests are computed as the fsverity tool does', { skip: noEvmctl }, async () => {
  const path = scratch('computed', 'A'.repeat(600_000));
  const { digest } = await one({ kind: 'verity-digest', parameters: VERITY_DEFAULTS }, path);
  assert.equal(toHex(digest?.value ?? new Uint8Array(0)), run('fsverity', 'digest', '--compact', path).trim());
  const enabled = await one({ kind: 'verity-enable', parameters: VERITY_DEFAULTS, dryRun: true }, path);
  assert.equal(enabled.state, 'would-change');
});
