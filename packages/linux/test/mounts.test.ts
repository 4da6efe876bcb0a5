import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FormatError } from '@assay/core/errors';
import { chooseMounts, isThroughMount, mountAt, parseMountInfo, readMounts } from '@assay/linux/mounts';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';
import * as fc from 'fast-check';

const skip = cannotMount() ?? false;
const bytes = (...lines: string[]): Uint8Array => Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
const ROOT = '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw';

test('a line is read, with any number of optional fields', () => {
  for (const optional of ['', 'shared:1 ', 'shared:1 master:2 ', 'unbindable ']) {
    assert.deepEqual(
      parseMountInfo(bytes(`36 35 98:0 /sub /mnt/a rw,noexec ${optional}- ext4 /dev/sda1 rw,errors=panic`)),
      [
        {
          id: 36,
          parentId: 35,
          device: '98:0',
          mountPoint: Buffer.from('/mnt/a'),
          options: ['rw', 'noexec'],
          type: 'ext4',
          source: '/dev/sda1',
          superOptions: ['rw', 'errors=panic'],
        },
      ],
    );
  }
});

test('escaped blanks, newlines and backslashes in names are read, and bytes that are no text', () => {
  const [mount] = parseMountInfo(bytes('1 2 0:5 / /a\\040b\\011c\\012d\\134e\\043\xff rw - tmpfs  rw'));
  assert.deepEqual(mount?.mountPoint, Buffer.from('/a b\tc\nd\\e#\xff', 'latin1'));
});

const refused: [string, Uint8Array][] = [
  ['a line without its end', Buffer.from(ROOT)],
  ['a line without a separator', bytes('27 1 254:0 / / rw ext4 /dev/vda rw')],
  ['a line without super options', bytes('27 1 254:0 / / rw - ext4 /dev/vda')],
  ['a line with a field too many', bytes(`${ROOT} more`)],
  ['an id that is no number', bytes('x 1 254:0 / / rw - ext4 /dev/vda rw')],
  ['a device that is no number', bytes('27 1 254 / / rw - ext4 /dev/vda rw')],
  ['a backslash before something else', bytes('27 1 254:0 / /a\\x rw - ext4 /dev/vda rw')],
  ['an octal number over a byte', bytes('27 1 254:0 / /a\\777 rw - ext4 /dev/vda rw')],
  ['an empty line', bytes('')],
];
for (const [what, input] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(() => parseMountInfo(input), { name: 'FormatError', code: 'MOUNT-LINE' });
  });
}

test('any bytes are read or refused with a FormatError', () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('0123:/ -\\\na')), maxLength: 80 });
  fc.assert(
    fc.property(text, (line) => {
      try {
        parseMountInfo(bytes(ROOT, line));
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }),
  );
});

interface Choice {
  what: string;
  lines: string[];
  chosen: string[];
  leftOut?: [string, RegExp][];
}

const choices: Choice[] = [
  {
    what: 'file systems with programs are chosen, the kernel’s own views are not',
    lines: [
      '22 27 0:21 / /proc rw - proc proc rw',
      '24 27 0:6 / /dev rw - devtmpfs devtmpfs rw',
      '31 27 0:40 / /snap/x ro - squashfs /dev/loop0 ro',
      '32 27 0:41 / /merged rw - overlay overlay rw',
    ],
    chosen: ['/', '/dev', '/snap/x', '/merged'],
    leftOut: [['/proc', /no programs/]],
  },
  {
    what: 'noexec mounts are left out',
    lines: ['40 27 0:50 / /run rw,noexec - tmpfs tmpfs rw'],
    chosen: ['/'],
    leftOut: [['/run', /noexec/]],
  },
  {
    what: 'a file system that is mounted noexec in one place and not in another is chosen by the other',
    lines: ['40 27 0:50 / /a rw,noexec - tmpfs tmpfs rw', '41 27 0:50 / /b rw - tmpfs tmpfs rw'],
    chosen: ['/', '/b'],
  },
  {
    what: 'a file system with several mounts is chosen once',
    lines: ['40 27 254:0 /home /bind rw - ext4 /dev/vda rw', '41 27 0:50 / /b rw - tmpfs tmpfs rw'],
    chosen: ['/', '/b'],
  },
  {
    what: 'file systems of servers are left out',
    lines: ['40 27 0:50 / /net rw - nfs4 host:/x rw', '41 27 0:51 / /ssh rw - fuse.sshfs host: rw'],
    chosen: ['/'],
    leftOut: [
      ['/net', /stall/],
      ['/ssh', /stall/],
    ],
  },
  {
    what: 'a mount under another one at the same place is hidden',
    lines: ['40 27 0:50 / /shm rw - tmpfs tmpfs rw', '41 40 0:51 / /shm rw - tmpfs tmpfs rw'],
    chosen: ['/', '/shm'],
    leftOut: [['/shm', /hidden/]],
  },
  {
    what: 'a mount below a directory that another one covers is hidden, with what hangs on it',
    lines: [
      '40 27 0:50 / /a/b rw - tmpfs tmpfs rw',
      '41 40 0:51 / /a/b/c rw - tmpfs tmpfs rw',
      '42 27 0:52 / /a rw - tmpfs tmpfs rw',
      '43 27 0:53 / /ab rw - tmpfs tmpfs rw',
    ],
    chosen: ['/', '/a', '/ab'],
    leftOut: [
      ['/a/b', /hidden/],
      ['/a/b/c', /hidden/],
    ],
  },
  {
    what: 'a mount point that is not UTF-8 is left out',
    lines: ['40 27 0:50 / /\xff rw - tmpfs tmpfs rw'],
    chosen: ['/'],
    leftOut: [['/\ufffd', /UTF-8/]],
  },
];
for (const { what, lines, chosen, leftOut = [] } of choices) {
  test(what, () => {
    const result = chooseMounts(parseMountInfo(bytes(ROOT, ...lines)));
    assert.deepEqual(result.chosen, chosen);
    assert.equal(result.leftOut.length, leftOut.length);
    for (const [index, [path, reason]] of leftOut.entries()) {
      assert.equal(result.leftOut[index]?.mount.mountPoint.toString(), path);
      assert.match(result.leftOut[index]?.reason ?? '', reason);
    }
  });
}

test('the topmost mount may name itself or an unseen one as its parent', () => {
  for (const parent of [27, 1]) {
    const mounts = parseMountInfo(bytes(`27 ${parent} 254:0 / / rw - ext4 /dev/vda rw`));
    assert.deepEqual(chooseMounts(mounts).chosen, ['/']);
  }
});

test('on this machine the chosen mounts are different file systems, the root file system among them', () => {
  const { chosen } = chooseMounts(readMounts());
  assert.ok(chosen.includes('/'));
  const devices = chosen.map((path) => statSync(path).dev);
  assert.equal(new Set(devices).size, devices.length);
});

test('a new tmpfs is found by its mount point and chosen, and hidden when another one covers it', { skip }, () => {
  using mount = mountTmpfs();
  assert.ok(chooseMounts(readMounts()).chosen.includes(mount.path));
  assert.equal(mountAt(readMounts(), mount.path)?.type, 'tmpfs');
  const below = join(mount.path, 'below');
  mkdirSync(below);
  assert.equal(mountAt(readMounts(), below), undefined);
});

test('a file is reached through a mount until that is detached', { skip }, () => {
  using mount = mountTmpfs();
  const path = join(mount.path, 'file');
  writeFileSync(path, '');
  const fd = openSync(path, 'r');
  assert.equal(isThroughMount(fd, process.pid), true);
  assert.equal(spawnSync('umount', ['--lazy', mount.path]).status, 0);
  assert.equal(isThroughMount(fd, process.pid), false);
  closeSync(fd);
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'assay-test', mount.path]).status, 0);
});
