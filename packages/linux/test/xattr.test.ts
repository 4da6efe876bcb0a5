import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { SystemError } from '@assay/core/errors';
import { fileSystemUuid, inodeGeneration } from '@assay/linux/files';
import { enableVerity, measureVerity } from '@assay/linux/verity';
import { getXattr, listXattrs, removeXattr, setXattr } from '@assay/linux/xattr';
import { VERITY_DEFAULTS } from '@assay/core/verity';
import { cannotMount, mountExt4, mountTmpfs } from '@assay/testkit/mounts';

const skip = cannotMount() ?? false;
const directory = mkdtempSync(join(tmpdir(), 'assay-xattr-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const refusal = (code: string) => (error: unknown) => error instanceof SystemError && error.code === code;

function scratch(name: string, content = ''): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function output(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

const VALUE = Uint8Array.of(4, 0, 255, 10);

describe('an extended attribute', () => {
  for (const [how, target] of [
    ['a descriptor', (path: string) => openSync(path, 'r')],
    ['a path', (path: string) => Buffer.from(path)],
  ] as const) {
    test(`is set, read, listed and removed by ${how}`, (t) => {
      const file = target(scratch(`by ${how}`));
      t.after(() => (typeof file === 'number' ? closeSync(file) : undefined));
      assert.equal(getXattr(file, 'user.label'), undefined);
      assert.equal(removeXattr(file, 'user.label'), false);
      setXattr(file, 'user.label', VALUE);
      setXattr(file, 'user.empty', new Uint8Array(0));
      assert.deepEqual(getXattr(file, 'user.label'), VALUE);
      assert.deepEqual(getXattr(file, 'user.empty'), new Uint8Array(0));
      assert.deepEqual(
        listXattrs(file)
          .filter((name) => name.startsWith('user.'))
          .toSorted(),
        ['user.empty', 'user.label'],
      );
      assert.equal(removeXattr(file, 'user.label'), true);
      assert.equal(getXattr(file, 'user.label'), undefined);
    });
  }

  test('is what getfattr reads', () => {
    const path = scratch('compared');
    setXattr(Buffer.from(path), 'user.label', VALUE);
    assert.match(output('getfattr', '-e', 'hex', '-n', 'user.label', path), /user\.label=0x0400ff0a/);
  });

  test('of a link is not that of what it leads to', () => {
    const path = scratch('behind');
    setXattr(Buffer.from(path), 'user.label', VALUE);
    symlinkSync(path, join(directory, 'link'));
    assert.equal(getXattr(Buffer.from(join(directory, 'link')), 'security.ima'), undefined);
    assert.deepEqual(listXattrs(Buffer.from(join(directory, 'link'))).includes('user.label'), false);
  });

  test('that is too large, of an unknown kind, or of no file is an error with the reason', () => {
    const path = Buffer.from(scratch('refused'));
    assert.throws(() => setXattr(path, 'user.large', new Uint8Array(65_537)), /E2BIG/);
    assert.throws(() => setXattr(path, 'nothing.label', VALUE), refusal('XATTR-UNSUPPORTED'));
    assert.throws(() => getXattr(Buffer.from(join(directory, 'nothing')), 'user.x'), /getxattr of user\.x.*ENOENT/);
    assert.throws(() => setXattr(99_999, 'user.x', VALUE), /EBADF/);
  });

  test('is refused by file systems that keep none', () => {
    assert.throws(() => setXattr(Buffer.from('/proc/self/status'), 'user.x', VALUE), SystemError);
  });
});

describe('an inode', () => {
  test('of ext4 has the generation that lsattr shows, and the UUID of its file system', { skip }, () => {
    using mount = mountExt4();
    const path = join(mount.path, 'file');
    writeFileSync(path, 'x');
    const [generation] = output('lsattr', '-v', path).trim().split(/\s+/);
    assert.equal(withFile(path, inodeGeneration), Number(generation));
    const device = output('findmnt', '-n', '-o', 'SOURCE', mount.path).trim();
    const uuid = output('blkid', '-p', '-o', 'value', '-s', 'UUID', device).trim();
    const found = withFile(path, fileSystemUuid);
    if (found !== undefined) assert.equal(Buffer.from(found).toString('hex'), uuid.replaceAll('-', ''));
  });

  test('of another file system has none, and that is no error', { skip }, () => {
    using mount = mountTmpfs();
    const path = join(mount.path, 'file');
    writeFileSync(path, 'x');
    assert.ok([undefined, 0].includes(withFile('/proc/self/status', inodeGeneration)));
    assert.doesNotThrow(() => withFile(path, fileSystemUuid));
  });
});

describe('fs-verity', () => {
  test('is not enabled on an ordinary file', () => {
    assert.equal(withFile(scratch('plain', 'hello'), measureVerity), undefined);
  });

  test('is refused with the reason where the file system has none, and else measured as computed', { skip }, () => {
    using mount = mountTmpfs();
    const path = join(mount.path, 'file');
    writeFileSync(path, 'hello');
    assert.throws(() => withFile(path, (fd) => enableVerity(fd, VERITY_DEFAULTS)), refusal('KERNEL-LACKS'));
  });

  test('is enabled once, and measured as the fsverity tool computes it', { skip: skip || noVerity() }, () => {
    using mount = mountExt4('-Overity');
    const path = join(mount.path, 'file');
    writeFileSync(path, 'hello');
    const salted = { ...VERITY_DEFAULTS, salt: Uint8Array.of(1, 2, 3, 4, 5) };
    assert.equal(
      withFile(path, (fd) => enableVerity(fd, salted)),
      true,
    );
    assert.equal(
      withFile(path, (fd) => enableVerity(fd, salted)),
      false,
    );
    const digest = output('fsverity', 'digest', '--compact', '--salt=0102030405', path).trim();
    const measured = withFile(path, measureVerity);
    assert.deepEqual(measured, { algorithm: 'sha256', digest: Uint8Array.from(Buffer.from(digest, 'hex')) });
  });
});

/** CONFIG_FS_VERITY shows as a keyring and a directory of sysctl. */
function noVerity(): string | false {
  const { status } = spawnSync('test', ['-d', '/proc/sys/fs/verity']);
  return status === 0 ? false : 'this kernel has no fs-verity (CONFIG_FS_VERITY)';
}
