import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assay, isRoot, scratch } from './assay.ts';
import { checked, created, run, told, type Setup } from './scan-trees.ts';

const skip = isRoot ? false : 'only root installs packages';
const noDpkg = spawnSync('dpkg-deb', ['--version']).status === 0 ? skip : 'dpkg is missing: this system is not Debian';

interface DebFiles {
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  readonly conffiles?: readonly string[];
}

/** A root of its own for dpkg, which installs real packages into it. */
class DpkgRoot {
  readonly path: string;
  readonly #work: string;

  constructor(directory: string) {
    this.path = join(directory, 'root');
    this.#work = directory;
    for (const each of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/log']) {
      mkdirSync(join(this.path, each), { recursive: true });
    }
    writeFileSync(join(this.path, 'var/lib/dpkg/status'), '');
  }

  install(name: string, { version, files, conffiles = [] }: DebFiles): void {
    const source = join(this.#work, `${name}-${version}`);
    mkdirSync(join(source, 'DEBIAN'), { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(join(source, file, '..'), { recursive: true });
      writeFileSync(join(source, file), content);
    }
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a test\n`;
    writeFileSync(join(source, 'DEBIAN/control'), control);
    writeFileSync(join(source, 'DEBIAN/conffiles'), conffiles.map((file) => `/${file}\n`).join(''));
    const listed = Object.keys(files).filter((file) => !conffiles.includes(file));
    writeFileSync(join(source, 'DEBIAN/md5sums'), run(source, 'md5sum', ...listed));
    run(this.#work, 'dpkg-deb', '--root-owner-group', '-b', source, `${source}.deb`);
    this.#dpkg('-i', `${source}.deb`);
  }

  purge(name: string): void {
    this.#dpkg('--purge', name);
  }

  #dpkg(...words: readonly string[]): void {
    const log = `--log=${join(this.path, 'var/log/dpkg.log')}`;
    run(this.#work, 'dpkg', `--root=${this.path}`, '--force-script-chrootless', '--force-confold', log, ...words);
  }
}

/** dpkg writes whole seconds, and what happened in that of the baseline explains nothing. */
async function nextSecond(): Promise<void> {
  await delay(1000 - (Date.now() % 1000));
}

describe('assay scan, beside dpkg', () => {
  const ONE: DebFiles = {
    version: '1.2',
    files: { 'usr/bin/tool': 'one', 'usr/bin/other': 'same', 'etc/tool.conf': 'x', 'usr/lib/dropped': 'gone' },
    conffiles: ['etc/tool.conf'],
  };
  const TWO: DebFiles = {
    version: '1.3',
    files: { 'usr/bin/tool': 'two', 'usr/bin/other': 'same', 'etc/tool.conf': 'x', 'usr/bin/new': 'new' },
    conffiles: ['etc/tool.conf'],
  };

  async function installed(t: TestContext): Promise<Setup & { readonly root: DpkgRoot }> {
    const directory = scratch(t);
    const root = new DpkgRoot(directory);
    root.install('tiny', ONE);
    const made = { directory, tree: root.path, baseline: join(directory, 'baseline'), root };
    await created(made, '--exclude', join(root.path, 'var'));
    return made;
  }

  test('explains what an upgrade brought, and accepts it', { skip: noDpkg }, async (t) => {
    const { baseline, tree, root, directory } = await installed(t);
    await nextSecond();
    root.install('tiny', TWO);
    const found = await checked(baseline, '--package-root', tree);
    const tool = found.drift.find(({ path }) => path.endsWith('/tool'));
    assert.equal(found.code, 1);
    assert.match(
      tool?.reason?.sentence ?? '',
      /^package tiny upgraded 1\.2 -> 1\.3 at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d explains it; the content is the package's by MD5$/,
    );
    const low = found.drift.filter(({ severity }) => severity === 'low').map(({ path }) => relative(tree, path));
    assert.deepEqual(low, ['usr/bin/new', 'usr/bin/tool']);
    const out = join(directory, 'accepted');
    const accepted = await assay(['scan', 'accept', baseline, '--out', out, '--package-root', tree, '-o', 'json']);
    assert.equal(accepted.code, 1); // What the new version does not have any more belongs to no package.
    const left = await checked(out, '--package-root', tree);
    assert.deepEqual(told(left, tree), ['removed usr/lib', 'removed usr/lib/dropped']);
    const all = ['scan', 'accept', baseline, '--out', out, '--package-root', tree, '--path', '**/usr/lib**'];
    assert.equal((await assay(all)).code, 0);
    assert.equal((await checked(out)).code, 0);
  });

  test('puts a file first whose content is not its package’s, upgrade or not', { skip: noDpkg }, async (t) => {
    const { baseline, tree, root } = await installed(t);
    await nextSecond();
    root.install('tiny', TWO);
    for (const name of ['tool', 'other']) appendFileSync(join(tree, 'usr/bin', name), 'evil');
    const found = await checked(baseline, '--package-root', tree);
    assert.deepEqual(
      found.drift.slice(0, 2).map(({ path, severity, reason }) => [relative(tree, path), severity, reason?.content]),
      [
        ['usr/bin/other', 'critical', 'foreign'],
        ['usr/bin/tool', 'critical', 'foreign'],
      ],
    );
    const { stdout } = await assay(['scan', 'check', baseline, '--package-root', tree]);
    assert.match(stdout, /: 2 critical, .*; 2 with content that is not their package's; 1 explained by packages\n/);
  });

  test('does not take an edit for an upgrade, or a configuration file for foreign', { skip: noDpkg }, async (t) => {
    const { baseline, tree } = await installed(t);
    appendFileSync(join(tree, 'etc/tool.conf'), 'edited');
    chmodSync(join(tree, 'usr/bin/other'), 0o4755);
    const found = await checked(baseline, '--package-root', tree);
    assert.equal(found.explained, 0);
    assert.deepEqual(
      found.drift.map(({ path, severity, reason }) => [relative(tree, path), severity, reason?.content]),
      [
        ['etc/tool.conf', 'high', 'configuration'],
        ['usr/bin/other', 'high', 'own'],
      ],
    );
  });

  test('says of files of a purged package only that they are gone', { skip: noDpkg }, async (t) => {
    const { baseline, tree, root } = await installed(t);
    root.purge('tiny');
    const found = await checked(baseline, '--package-root', tree);
    assert.ok(found.drift.every(({ kind, reason }) => kind === 'removed' && reason === undefined));
    assert.ok(found.drift.length >= 4);
  });
});
