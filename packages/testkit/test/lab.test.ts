import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import fc from 'fast-check';
import { cached, defaultCache } from '../src/lab/cache.ts';
import { dependencies, parseStanzas } from '../src/lab/control.ts';
import { writeCpio, type CpioEntry } from '../src/lab/cpio.ts';
import { initrd, shellWord } from '../src/lab/initrd.ts';
import type { LabKernel } from '../src/lab/kernels.ts';
import { insertionOrder } from '../src/lab/modules.ts';
import { behindMark, qemuArguments } from '../src/lab/qemu.ts';
import { switchSecureBootOff } from '../src/lab/secure-boot.ts';
import { toolError } from '../src/lab/tools.ts';

function cpio(archive: Uint8Array, ...options: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('cpio', options, { input: archive, encoding: 'latin1' });
  if (error !== undefined) assert.fail('cpio is not installed: apt-get install --no-install-recommends cpio');
  assert.equal(status, 0, stderr);
  return stdout;
}

test('cpio lists our archive with types, modes, sizes and names as they were given', () => {
  const listed = cpio(
    writeCpio([
      { path: 'bin', mode: 0o040755 },
      { path: 'bin/tool', mode: 0o100755, data: utf8('#!/bin/sh\n') },
      { path: 'odd', mode: 0o100644, data: new Uint8Array(5) },
    ]),
    '-itv',
  );
  const rows = listed.trimEnd().split('\n');
  assert.deepEqual(
    rows.map((row) => row.replace(/ root .* 1970 /, ' ').replaceAll(/ +/g, ' ')),
    ['drwxr-xr-x 2 bin', '-rwxr-xr-x 1 bin/tool', '-rw-r--r-- 1 odd'],
  );
});

test('cpio gives back the bytes of every file of our archive', async () => {
  const files = fc.uniqueArray(
    fc.record({ path: fc.stringMatching(/^[a-z0-9 é'"]{1,20}$/u), data: fc.uint8Array({ maxLength: 70 }) }),
    { selector: ({ path }) => path, minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(files, async (entries) => {
      const directory = await mkdtemp(join(tmpdir(), 'assay-cpio-'));
      const archive = writeCpio(entries.map((entry): CpioEntry => ({ ...entry, mode: 0o100644 })));
      cpio(archive, '-i', '--quiet', '-D', directory);
      for (const { path, data } of entries) {
        assert.deepEqual(new Uint8Array(await readFile(join(directory, path))), data);
      }
      assert.equal((await readdir(directory)).length, entries.length);
      await rm(directory, { recursive: true });
    }),
    { numRuns: 15 },
  );
});

test('an archive takes no absolute path and no path with NUL', () => {
  for (const path of ['/etc', 'a\0b', 'a\0']) {
    assert.throws(() => writeCpio([{ path, mode: 0o100644 }]), RangeError, JSON.stringify(path));
  }
});

const KERNEL: LabKernel = {
  series: '6.12',
  version: '6.12.1-1',
  release: '6.12.1',
  image: '/none',
  config: '/none',
  modules: '/none',
  early: [],
};

async function startWith(path: string, inMemory = false): Promise<Uint8Array> {
  const busybox = join(import.meta.dirname, 'lab.test.ts');
  return initrd({ kernel: KERNEL, busybox, command: ['./x'], files: [{ path, data: utf8('x'), inMemory }] });
}

test('a file for the guest stays below /lab and out of the places of the lab', async () => {
  assert.match(cpio(await startWith('keys/a.der'), '-it'), /^lab\/keys\/a\.der$/m);
  for (const path of ['', '/etc/passwd', '../x', 'a/../../x', 'a//b', '.', '.guest/run', 'out/x', 'a\0b']) {
    await assert.rejects(startWith(path), RangeError, JSON.stringify(path));
  }
});

test('a file of the guest that is kept in memory stays below /run/lab', async () => {
  const paths = cpio(await startWith('keys/a.der', true), '-it').split('\n');
  assert.deepEqual(
    paths.filter((path) => path.startsWith('run')),
    ['run', 'run/lab', 'run/lab/keys', 'run/lab/keys/a.der'],
  );
  await assert.rejects(startWith('../x', true), RangeError);
});

test('sh takes each word of a command as it was given', () => {
  const words = ['a b', "it's", '$HOME `id` "x"', '\\', 'two\nlines', '', '*', "''"];
  const command = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
  const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  assert.deepEqual(stdout.split('\0').slice(0, -1), words);
});

test('modules are inserted after those that they need, each once, and what is built in is left out', () => {
  const dep = [
    'kernel/block/virtio_blk.ko.xz: kernel/virtio/virtio.ko.xz kernel/virtio/virtio_ring.ko.xz',
    'kernel/virtio/virtio_ring.ko.xz: kernel/virtio/virtio.ko.xz',
    'kernel/virtio/virtio.ko.xz:',
    'kernel/net/other.ko.xz:',
    'kernel/a/virtio-pci.ko: kernel/virtio/virtio.ko.xz',
    '',
  ].join('\n');
  assert.deepEqual(insertionOrder(dep, ['virtio_pci', 'virtio_blk', 'ext4']), [
    'kernel/virtio/virtio.ko.xz',
    'kernel/a/virtio-pci.ko',
    'kernel/virtio/virtio_ring.ko.xz',
    'kernel/block/virtio_blk.ko.xz',
  ]);
});

test('modules that need each other do not hold up the order', () => {
  assert.deepEqual(insertionOrder('a.ko: b.ko\nb.ko: a.ko\n', ['a']), ['b.ko', 'a.ko']);
});

test('a package is read with its continued fields, and of alternatives the first is what it depends on', () => {
  const text = `Package: linux-image-cloud-amd64
Version: 7.2.12-1
Depends: linux-image-7.2.12+deb14-cloud-amd64 (= 7.2.12-1), dracut | initramfs-tools (>= 0.120)
Description: short
 long
 .

Package: second
`;
  const [first, second, ...rest] = parseStanzas(text);
  assert.equal(rest.length, 0);
  assert.equal(first?.get('Version'), '7.2.12-1');
  assert.equal(first.get('Description'), 'short\nlong\n.');
  assert.deepEqual(dependencies(first), ['linux-image-7.2.12+deb14-cloud-amd64', 'dracut']);
  assert.deepEqual(second === undefined ? undefined : dependencies(second), []);
});

test('the cache is where the environment says, in the order of the XDG specification', () => {
  assert.equal(defaultCache({ ASSAY_LAB_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a');
  assert.equal(defaultCache({ ASSAY_LAB_CACHE: '', XDG_CACHE_HOME: '/b' }), '/b/assay/lab');
  assert.match(defaultCache({ XDG_CACHE_HOME: '' }), /\/\.cache\/assay\/lab$/);
});

test('a directory of the cache is whole or absent, and is filled once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'assay-cache-'));
  const target = join(root, 'kernels', '6.12');
  await assert.rejects(
    cached(target, async (draft) => {
      await writeFile(join(draft, 'half'), '');
      throw new Error('no network');
    }),
    /no network/,
  );
  assert.ok(!existsSync(target));
  const fill = async (draft: string): Promise<void> => writeFile(join(draft, 'whole'), '');
  await Promise.all([cached(target, fill), cached(target, fill)]);
  await cached(target, async () => assert.fail('filled again'));
  assert.deepEqual(await readdir(target), ['whole']);
  assert.deepEqual(await readdir(join(root, 'kernels')), ['6.12'], 'no draft stays');
  await rm(root, { recursive: true });
});

const MACHINE = {
  start: { kernel: '/k', initrd: '/i', cmdline: 'ima_policy=tcb' },
  disks: { root: '/r,1', modules: '/m', results: '/o' },
  tpmSocket: '/s',
  memoryMiB: 512,
};

test('QEMU emulates one processor in one thread and writes neither into the root file system nor the modules', () => {
  const words = qemuArguments(MACHINE).join(' ');
  assert.match(words, /-accel tcg,thread=single -cpu max,-cx16 -smp 1 /);
  assert.match(words, /file=\/r,,1,if=virtio,format=raw,snapshot=on /);
  assert.match(words, /file=\/m,if=virtio,format=raw,readonly=on /);
  assert.match(words, /-nic none /);
});

test('a guest with a network reaches one port of the loopback and nothing else', () => {
  const words = qemuArguments({ ...MACHINE, network: { port: 4620, busybox: '/b' } }).join(' ');
  assert.match(
    words,
    /-nic user,model=virtio-net-pci,restrict=on,guestfwd=tcp:10\.0\.2\.100:80-cmd:\/b nc 127\.0\.0\.1 4620 /,
  );
});

test('firmware starts what is on its disk, and its flash is all that it writes to', () => {
  const start = { code: '/c', variables: '/v', systemPartition: '/p' };
  const words = qemuArguments({ ...MACHINE, start }).join(' ');
  assert.match(words, /-machine q35,smm=on -global driver=cfi\.pflash01,property=secure,value=on /);
  assert.match(words, /if=pflash,format=raw,file=\/c,readonly=on -drive if=pflash,format=raw,file=\/v /);
  assert.match(words, /format=raw,file=fat:\/p,snapshot=on -device ide-hd,drive=system,bootindex=0/);
  assert.doesNotMatch(words, /-kernel|-append/);
});

/** A flash that holds one variable of EDK II, in this state. */
function flashWith(state: number): Buffer {
  const header = Buffer.alloc(60);
  header.writeUInt16LE(0x55aa);
  header[2] = state;
  return Buffer.concat([
    Buffer.alloc(100, 0xff),
    header,
    Buffer.from('SecureBootEnable\0', 'utf16le'),
    Buffer.of(1, 0xff),
  ]);
}

test('Secure Boot is switched off in the variable that counts, and only where there is one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'assay-flash-'));
  const variables = join(directory, 'variables.fd');
  const [deleted, added] = [flashWith(0x3c), flashWith(0x3f)];
  await writeFile(variables, Buffer.concat([deleted, added]));
  await switchSecureBootOff({ variables });
  const off = Buffer.from(added);
  off[off.length - 2] = 0;
  assert.deepEqual(await readFile(variables), Buffer.concat([deleted, off]));
  await writeFile(variables, deleted);
  await assert.rejects(switchSecureBootOff({ variables }), { code: 'LAB-GUEST' });
  await rm(directory, { recursive: true });
});

test('what firmware writes before the mark of the script is left out, however the line is cut into pieces', () => {
  const line = utf8('BdsDxe: lab: lab: script\nout lab: script\n');
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: line.length }), { maxLength: 8 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), line.length];
      const behind = behindMark(utf8('lab: script\n'));
      const pieces = places.slice(1).map((end, index) => behind(line.subarray(places[index], end)));
      assert.equal(Buffer.concat(pieces).toString(), 'out lab: script\n');
    }),
  );
});

test('a tree of the caller is the last disk of the guest, and is not written to', () => {
  const words = qemuArguments({ ...MACHINE, disks: { ...MACHINE.disks, tree: '/t' } });
  const drives = words.filter((word) => word.startsWith('file='));
  assert.equal(drives.at(-1), 'file=/t,if=virtio,format=raw,readonly=on');
});

test('a program that is missing is reported with the line that installs it', () => {
  const missing = Object.assign(new Error('spawn'), { code: 'ENOENT' });
  const error = toolError('mmdebstrap', missing, 'LAB-PACKAGES');
  assert.equal(error.code, 'LAB-TOOL');
  assert.match(error.message, /apt-get install --no-install-recommends mmdebstrap$/);
  const failed = Object.assign(new Error('exit 1'), { stderr: 'a\nb\n' });
  assert.equal(toolError('tar', failed, 'LAB-GUEST').message, 'tar failed: a; b');
});
