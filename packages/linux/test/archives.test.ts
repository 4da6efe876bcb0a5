import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { AssayError } from '@assay/core/errors';
import { nodeHasher } from '@assay/core/node';
import { parseRpm } from '@assay/core/package';
import { readDeb, readImage, readInitramfs, readRpm } from '@assay/linux/archives';

const LINUX = 'linux/amd64';
const sha256 = (content: string | Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'assay-archives-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function put(root: string, files: Readonly<Record<string, string>>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

function run(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 60_000 });
  assert.equal(error, undefined, `${program} is missing: apt-get install dpkg-dev rpm cpio tar zstd xz-utils`);
  assert.equal(status, 0, stderr);
  return stdout;
}

const FILES = { 'usr/bin/tool': '#!/bin/sh\n', 'lib/libtool.so': 'library', 'etc/tool.conf': 'a=b\n' };
const EXPECTED = new Map(Object.entries(FILES).map(([path, content]) => [`/${path}`, sha256(content)]));
const byPath = (files: readonly { path: string; digest: string }[]) =>
  new Map(files.map(({ path, digest }) => [path, digest]));

async function refused(work: Promise<unknown>, ...codes: string[]): Promise<void> {
  await assert.rejects(work, (error) => error instanceof AssayError && codes.includes(error.code));
}

function debIn(directory: string, compression: string): string {
  const root = put(join(directory, `deb-${compression}`), {
    ...FILES,
    'DEBIAN/control':
      'Package: tool\nVersion: 1:2.0-3~deb12u1\nArchitecture: amd64\nMaintainer: A <a@b.c>\nDescription: d\n long\n',
  });
  linkSync(join(root, 'usr/bin/tool'), join(root, 'usr/bin/same'));
  symlinkSync('tool', join(root, 'usr/bin/link'));
  const out = join(directory, `${compression}.deb`);
  run(directory, 'dpkg-deb', '--root-owner-group', `-Z${compression}`, '-b', root, out);
  return out;
}

describe('a Debian package', () => {
  for (const compression of ['gzip', 'xz', 'zstd', 'none']) {
    test(`that dpkg-deb compressed by ${compression} has the digests of its files`, async (t) => {
      const path = debIn(scratch(t), compression);
      const { name, version, architecture, files, digest } = await readDeb(path);
      assert.deepEqual([name, version, architecture], ['tool', '1:2.0-3~deb12u1', 'amd64']);
      assert.deepEqual(byPath(files), new Map([...EXPECTED, ['/usr/bin/same', sha256(FILES['usr/bin/tool'])]]));
      assert.equal(digest, sha256(readFileSync(path)));
    });
  }

  test('is refused where it is cut off, or is none', async (t) => {
    const directory = scratch(t);
    const good = readFileSync(debIn(directory, 'gzip'));
    const path = join(directory, 'bad.deb');
    for (const bad of [
      Buffer.alloc(0),
      Buffer.from('!<arch>\n'),
      good.subarray(0, 100),
      good.subarray(0, good.length - 40),
    ]) {
      writeFileSync(path, bad);
      await refused(readDeb(path), 'ARCHIVE-FORM');
    }
    for (let at = 8; at < good.length; at += 7) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x55;
      writeFileSync(path, bad);
      // Another byte of the content is another digest, or an error of ours; never one of another kind.
      await readDeb(path).catch((error: unknown) =>
        assert.ok(error instanceof AssayError, `byte ${at}: ${String(error)}`),
      );
    }
  });
});

describe('an RPM package', () => {
  const SPEC = `Name: tool
Version: 2.0
Release: 3
Epoch: 1
Summary: s
License: MIT
BuildArch: noarch
%description
d
%install
mkdir -p %{buildroot}/usr/bin
printf '#!/bin/sh\\n' >%{buildroot}/usr/bin/tool
ln -s tool %{buildroot}/usr/bin/link
%files
/usr/bin/tool
/usr/bin/link
%ghost /usr/bin/ghost
`;

  function rpmIn(directory: string): string {
    writeFileSync(join(directory, 'tool.spec'), SPEC.replace('ln -s', 'touch %{buildroot}/usr/bin/ghost\nln -s'));
    const defines = [`_topdir ${directory}`, '_binary_filedigest_algorithm 8', 'source_date_epoch_from_changelog 0'];
    run(directory, 'rpmbuild', '--quiet', ...defines.flatMap((define) => ['--define', define]), '-bb', 'tool.spec');
    return run(directory, 'find', directory, '-name', '*.rpm').trim();
  }

  test('that rpmbuild made has the digests of its files, without links and ghosts', async (t) => {
    const path = rpmIn(scratch(t));
    const { name, version, architecture, files, digest } = await readRpm(path);
    assert.deepEqual([name, version, architecture], ['tool', '1:2.0-3', 'noarch']);
    assert.deepEqual(files, [{ path: '/usr/bin/tool', digest: sha256('#!/bin/sh\n') }]);
    assert.equal(digest, sha256(readFileSync(path)));
  });

  test('is refused where its header was changed or cut off', async (t) => {
    const good = Uint8Array.from(readFileSync(rpmIn(scratch(t))));
    const { files } = parseRpm(good, nodeHasher);
    const header = good.indexOf(0x2f, 96); // Somewhere behind the lead.
    for (let at = 0; at < Math.min(good.length, 6000); at += 11) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x21;
      try {
        assert.deepEqual(parseRpm(bad, nodeHasher).files, files, `byte ${at}`);
      } catch (error) {
        assert.ok(error instanceof AssayError, `byte ${at}: ${String(error)}`);
      }
    }
    for (const length of [0, 4, 95, 96, 100, header]) {
      assert.throws(() => parseRpm(good.subarray(0, length), nodeHasher), AssayError);
    }
  });
});

describe('an initramfs', () => {
  function cpioOf(directory: string, root: string): Buffer {
    const list = run(root, 'find', '.', '-mindepth', '1');
    const { stdout, status } = spawnSync('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd: root, input: list });
    assert.equal(status, 0, `cpio in ${directory}`);
    return stdout;
  }

  test('has the files of all its archives, each compressed or not, and the last of one path counts', async (t) => {
    const directory = scratch(t);
    const early = put(join(directory, 'early'), { 'kernel/microcode.bin': 'code', init: 'old' });
    const main = put(join(directory, 'main'), { init: 'new', 'bin/busybox': 'busybox' });
    linkSync(join(main, 'bin/busybox'), join(main, 'bin/sh'));
    const [first, second] = [cpioOf(directory, early), cpioOf(directory, main)];
    const expected = new Map([
      ['/kernel/microcode.bin', sha256('code')],
      ['/init', sha256('new')],
      ['/bin/busybox', sha256('busybox')],
      ['/bin/sh', sha256('busybox')],
    ]);
    const path = join(directory, 'initrd');
    for (const rest of [second, gzipSync(second), zstdCompressSync(second)]) {
      writeFileSync(path, Buffer.concat([first, Buffer.alloc(512), rest]));
      assert.deepEqual(await readInitramfs(path), expected);
    }
    for (const bad of [
      second.subarray(0, 50),
      second.subarray(0, -600),
      Buffer.from('BZh91AY'),
      Buffer.from('nothing'),
    ]) {
      writeFileSync(path, bad);
      await refused(readInitramfs(path), 'ARCHIVE-FORM');
    }
  });

  test('that unpacks to thousands of times its size is refused', async (t) => {
    const directory = scratch(t);
    const root = put(join(directory, 'root'), { zeros: '' });
    truncateSync(join(root, 'zeros'), 300 * 1024 * 1024);
    run(root, 'sh', '-c', 'echo zeros | cpio -o -H newc --quiet | zstd -q -o ../initrd');
    await refused(readInitramfs(join(directory, 'initrd')), 'ARCHIVE-LIMIT');
  });

  test('that leads out of its tree is refused', async (t) => {
    const path = join(scratch(t), 'initrd');
    const field = (value: number): string => value.toString(16).padStart(8, '0');
    const member = (name: string, content: string): string => {
      const head = `070701${[1, 0o100644, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0].map(field).join('')}`;
      const named = `${head}${name}\0`.padEnd(Math.ceil((110 + name.length + 1) / 4) * 4, '\0');
      return `${named}${content.padEnd(Math.ceil(content.length / 4) * 4, '\0')}`;
    };
    writeFileSync(path, `${member('../../etc/passwd', 'x')}${member('TRAILER!!!', '')}`, 'latin1');
    await refused(readInitramfs(path), 'ARCHIVE-FORM');
    writeFileSync(path, `${member('a/./b', 'x')}${member('TRAILER!!!', '')}`, 'latin1');
    assert.deepEqual([...(await readInitramfs(path)).keys()], ['/a/b']);
  });
});

function tarOf(root: string, ...more: string[]): Buffer {
  const { stdout, status, stderr } = spawnSync('tar', [...more, '-cf', '-', '-C', root, '.'], { maxBuffer: 1 << 26 });
  assert.equal(status, 0, String(stderr));
  return stdout;
}

/** A directory in the OCI layout. */
function layoutIn(directory: string, layers: readonly Buffer[]): string {
  const root = join(directory, 'layout');
  const blob = (content: Buffer | string): string => {
    const digest = sha256(content);
    put(root, {});
    mkdirSync(join(root, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(root, 'blobs/sha256', digest.slice(7)), content);
    return digest;
  };
  const manifest = blob(JSON.stringify({ schemaVersion: 2, layers: layers.map((layer) => ({ digest: blob(layer) })) }));
  writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const other = { digest: sha256('other'), platform: { os: 'linux', architecture: 'arm64' } };
  const own = { digest: manifest, platform: { os: 'linux', architecture: 'amd64' } };
  writeFileSync(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [other, own] }));
  return root;
}

describe('an image', () => {
  function layersIn(directory: string): Buffer[] {
    const one = put(join(directory, '1'), {
      'bin/a': 'a',
      'bin/b': 'b',
      'old/x': 'x',
      'all/y': 'y',
      'sub/c': 'c',
      linked: 'l',
    });
    const two = put(join(directory, '2'), {
      'bin/a': 'a2',
      'bin/.wh.b': '',
      '.wh.old': '',
      'all/.wh..wh..opq': '',
      'all/z': 'z',
    });
    symlinkSync('bin/a', join(two, 'linked'));
    chmodSync(join(two, 'bin/a'), 0o755);
    return [tarOf(one), gzipSync(tarOf(two))];
  }
  const left = [
    new Map([['/sub/c', sha256('c')]]),
    new Map([
      ['/all/z', sha256('z')],
      ['/bin/a', sha256('a2')],
    ]),
  ];
  const seen = (layers: readonly { files: readonly { path: string; digest: string }[] }[]) =>
    layers.map(({ files }) => byPath(files));

  test('in the OCI layout has what its layers leave, each with its layer', async (t) => {
    const directory = scratch(t);
    const layers = layersIn(directory);
    const image = await readImage(layoutIn(directory, layers), LINUX);
    assert.deepEqual(seen(image.layers), left);
    assert.deepEqual(
      image.layers.map(({ digest }) => digest),
      layers.map(sha256),
    );
  });

  test('as docker save writes it has the same', async (t) => {
    const directory = scratch(t);
    const saved = put(join(directory, 'saved'), { 'c.json': '{}' });
    for (const [index, layer] of layersIn(directory).entries()) writeFileSync(join(saved, `${index}.tar`), layer);
    writeFileSync(join(saved, 'manifest.json'), JSON.stringify([{ Config: 'c.json', Layers: ['0.tar', '1.tar'] }]));
    const path = join(directory, 'image.tar');
    writeFileSync(path, tarOf(saved));
    const image = await readImage(path, LINUX);
    assert.deepEqual([seen(image.layers), image.digest], [left, sha256('{}')]);
  });

  test('with another content than its digests, or of another platform, is refused', async (t) => {
    const directory = scratch(t);
    const layers = layersIn(directory);
    const root = layoutIn(directory, layers);
    await refused(readImage(root, 'linux/s390x'), 'ARCHIVE-FORM');
    const [first = Buffer.alloc(0)] = layers;
    const path = join(root, 'blobs/sha256', sha256(first).slice(7));
    writeFileSync(path, Buffer.concat([first, Buffer.alloc(512)]));
    await refused(readImage(root, LINUX), 'ARCHIVE-FORM');
    writeFileSync(path, first.subarray(0, 700));
    await refused(readImage(root, LINUX), 'ARCHIVE-FORM');
    rmSync(join(root, 'index.json'));
    await refused(readImage(root, LINUX), 'ARCHIVE-FORM');
  });

  test('whose layer leads out of it, holds a file twice, or links to nothing is refused', async (t) => {
    const directory = scratch(t);
    const tree = put(join(directory, 'tree'), { a: 'a' });
    const twice = Buffer.concat([tarOf(tree).subarray(0, 2048), tarOf(tree)]);
    const out = tarOf(tree, '--transform', 's,^\\./a$,../a,', '-P');
    for (const [index, layer] of [twice, out].entries()) {
      await refused(readImage(layoutIn(join(directory, String(index)), [layer]), LINUX), 'ARCHIVE-FORM');
    }
  });
});
