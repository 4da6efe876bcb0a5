// Packages in two versions for the soak, and a repository of each version that apt can read.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where the repositories lie in the chroot. */
export const REPOSITORIES = '/srv/soak';
export const VERSIONS = ['1', '2'] as const;
export type Version = (typeof VERSIONS)[number];
/** The packages that are installed and removed; dpkg itself is replaced besides. */
export const PACKAGES = ['soak-tool', 'soak-lib', 'soak-script', 'soak-data'] as const;

const MEGABYTE = 1024 * 1024;
const LARGE = 24 * MEGABYTE;
const SMALL_FILES = 200;

interface Package {
  readonly name: string;
  readonly depends?: string;
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Writes `/srv/soak/VERSION` with its packages, and `/srv/soak/VERSION.list`, a list of sources that names it. */
export function writeRepositories(root: string): void {
  for (const version of VERSIONS) {
    const directory = join(root, REPOSITORIES, version);
    mkdirSync(directory, { recursive: true });
    for (const each of packagesOf(root, version)) build(directory, version, each);
    buildDpkg(root, directory, version);
    const index = run(directory, 'dpkg-scanpackages', '--multiversion', '.');
    writeFileSync(join(directory, 'Packages'), index);
    writeFileSync(`${directory}.list`, `deb [trusted=yes] file:${REPOSITORIES}/${version} ./\n`);
  }
}

/** A version of dpkg that is newer than the one of Debian. */
export function dpkgVersion(root: string, version: Version): string {
  const [, own = ''] = /^Version: (.*)$/m.exec(run(root, 'chroot', root, 'dpkg', '-s', 'dpkg')) ?? [];
  return `${own.replace(/\+soak\d$/, '')}+soak${version}`;
}

function packagesOf(root: string, version: Version): Package[] {
  const program = readFileSync(join(root, 'usr/bin/true'));
  const library = readFileSync(globSync(join(root, 'usr/lib/*/libutil.so.1'))[0] ?? '');
  const tail = Buffer.from(`version ${version}`);
  const large = Buffer.alloc(LARGE, `${version} `);
  const small: Record<string, string> = {};
  for (let index = 0; index < SMALL_FILES; index++) small[`usr/share/soak/${index}`] = `${version} ${index}\n`;
  return [
    {
      name: 'soak-tool',
      files: { 'usr/bin/soak-tool': Buffer.concat([program, tail]) },
      // Runs at once what was installed, and leaves programs behind that no package lists.
      scripts: {
        postinst: `soak-tool
cp /usr/bin/soak-tool /usr/local/bin/soak-new
mv /usr/local/bin/soak-new /usr/local/bin/soak-copy
/usr/local/bin/soak-copy
update-alternatives --install /usr/bin/soak-alternative soak-alternative /usr/bin/soak-tool 10`,
        prerm: '[ "$1" = upgrade ] || update-alternatives --remove soak-alternative /usr/bin/soak-tool',
        postrm: '[ "$1" = upgrade ] || rm -f /usr/local/bin/soak-copy',
      },
    },
    {
      name: 'soak-lib',
      files: { 'usr/lib/soak/libsoak.so': Buffer.concat([library, tail]) },
      scripts: { postinst: 'ldconfig', postrm: 'ldconfig' },
    },
    {
      name: 'soak-script',
      depends: 'soak-tool, soak-lib',
      files: {
        'usr/bin/soak-script': `#!/bin/sh\nLD_PRELOAD=/usr/lib/soak/libsoak.so soak-tool && echo ${version}\n`,
        'usr/bin/soak-perl': `#!/usr/bin/perl\nprint "${version}\\n";\n`,
        'etc/soak.conf': `version=${version}\n`,
      },
    },
    {
      name: 'soak-data',
      files: { 'usr/lib/soak/large': Buffer.concat([program, large]), ...small },
      scripts: { postinst: 'for file in /usr/share/soak/*; do read -r line < "$file"; done; /usr/lib/soak/large' },
    },
  ];
}

function build(directory: string, version: Version, { name, depends, files, scripts = {} }: Package): void {
  const tree = join(directory, `${name}.tree`);
  for (const [path, content] of Object.entries(files)) {
    const isProgram = /^usr\/(?:bin|lib)\//.test(path);
    write(join(tree, path), content, isProgram ? 0o755 : 0o644);
  }
  for (const [script, text] of Object.entries(scripts)) {
    write(join(tree, 'DEBIAN', script), `#!/bin/sh\nset -e\n${text}\n`, 0o755);
  }
  const fields = [`Package: ${name}`, `Version: ${version}`, ...(depends === undefined ? [] : [`Depends: ${depends}`])];
  write(join(tree, 'DEBIAN/control'), `${[...fields, ...COMMON].join('\n')}\n`, 0o644);
  pack(directory, tree, `${name}_${version}.deb`);
}

const COMMON = ['Architecture: all', 'Maintainer: Assay <assay@example.org>', 'Description: a package of the soak'];

/** The dpkg of the chroot once more, with other bytes and a higher version. */
function buildDpkg(root: string, directory: string, version: Version): void {
  const tree = join(directory, 'dpkg.tree');
  const of = (...words: string[]): string => run(root, 'chroot', root, 'dpkg', ...words);
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const listed = of('-L', 'dpkg').split('\n');
  const tar = spawnSync('tar', ['--create', '--no-recursion', '--ignore-failed-read', '--files-from=-'], {
    cwd: root,
    input: listed.flatMap((path) => (path.length > 1 ? [`.${path}`] : [])).join('\n'),
    maxBuffer: 256 * MEGABYTE,
  });
  spawnSync('tar', ['--extract', '--directory', tree], { input: tar.stdout });
  writeFileSync(join(tree, 'usr/bin/dpkg'), `version ${version}`, { flag: 'a' });
  for (const path of globSync(join(root, 'var/lib/dpkg/info/dpkg.{conffiles,p*}'))) {
    cpSync(path, join(tree, 'DEBIAN', basename(path).slice('dpkg.'.length)));
  }
  const control = of('-s', 'dpkg').replace(/^Version: .*$/m, `Version: ${dpkgVersion(root, version)}`);
  const own = control.replace(/^(?:Status: .*|Conffiles:(?:\n .*)*)\n/gm, '');
  write(join(tree, 'DEBIAN/control'), `${own.trimEnd()}\n`, 0o644);
  pack(directory, tree, `dpkg_${version}.deb`);
}

function write(path: string, content: Uint8Array | string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

function pack(directory: string, tree: string, name: string): void {
  run(directory, 'dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', tree, name);
  rmSync(tree, { recursive: true });
}

export function run(cwd: string, command: string, ...given: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, given, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${given.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
