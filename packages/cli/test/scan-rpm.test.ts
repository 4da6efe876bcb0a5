import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isRoot, scratch } from './assay.ts';
import { checked, created, run, type Setup } from './scan-trees.ts';

const noRpm = spawnSync('rpmbuild', ['--version']).status === 0 ? false : 'rpm is missing: apt-get install rpm';
const skip = isRoot ? noRpm : 'only root installs packages';

function specOf(version: string, tool: string): string {
  return `Name: tiny
Version: ${version}
Release: 1
Summary: s
License: MIT
BuildArch: noarch
%description
d
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc
printf '${tool}' >%{buildroot}/usr/bin/tool
printf 'same' >%{buildroot}/usr/bin/other
printf 'x' >%{buildroot}/etc/tool.conf
%files
/usr/bin/tool
/usr/bin/other
%config(noreplace) /etc/tool.conf
`;
}

/** Builds a package, and has rpm install it below the root. */
function install(directory: string, root: string, version: string, tool: string): void {
  const top = join(directory, version);
  mkdirSync(top);
  writeFileSync(join(top, 'tiny.spec'), specOf(version, tool));
  const defines = [`_topdir ${top}`, '_binary_filedigest_algorithm 8'].flatMap((define) => ['--define', define]);
  run(top, 'rpmbuild', '--quiet', ...defines, '-bb', 'tiny.spec');
  const [built = ''] = run(top, 'find', top, '-name', '*.rpm').trim().split('\n');
  run(top, 'rpm', '--root', root, '--dbpath', '/var/lib/rpm', '-U', '--nodeps', '--noscripts', built);
}

async function installed(t: TestContext): Promise<Setup> {
  const directory = scratch(t);
  const tree = join(directory, 'root');
  mkdirSync(join(tree, 'var/lib/rpm'), { recursive: true });
  install(directory, tree, '1.2', 'one');
  const made = { directory, tree, baseline: join(directory, 'baseline') };
  await created(made, '--exclude', join(tree, 'var'));
  return made;
}

describe('assay scan, beside rpm', { skip }, () => {
  test('explains what a package brought that was installed since', async (t) => {
    const { baseline, tree, directory } = await installed(t);
    await delay(1000 - (Date.now() % 1000)); // rpm's database has whole seconds.
    install(directory, tree, '1.3', 'two');
    const found = await checked(baseline, '--package-root', tree);
    const tool = found.drift.find(({ path }) => path.endsWith('/tool'));
    assert.equal(tool?.severity, 'low');
    assert.match(
      tool.reason?.sentence ?? '',
      /^package tiny\.noarch 1\.3-1 installed at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ explains it; the content is the package's by SHA256$/,
    );
  });

  test("tells a file whose content is not its package's from a configuration file that was edited", async (t) => {
    const { baseline, tree } = await installed(t);
    for (const file of ['usr/bin/other', 'etc/tool.conf']) appendFileSync(join(tree, file), 'edited');
    const found = await checked(baseline, '--package-root', tree);
    assert.deepEqual(
      found.drift.map(({ path, severity, reason }) => [relative(tree, path), severity, reason?.content]),
      [
        ['usr/bin/other', 'critical', 'foreign'],
        ['etc/tool.conf', 'high', 'configuration'],
      ],
    );
  });

  test('explains nothing by a database that is none', async (t) => {
    const { baseline, tree } = await installed(t);
    writeFileSync(join(tree, 'var/lib/rpm/rpmdb.sqlite'), 'no database');
    appendFileSync(join(tree, 'usr/bin/tool'), 'edited');
    const { drift } = await checked(baseline, '--package-root', tree);
    assert.deepEqual([drift.length, drift[0]?.reason], [1, undefined]);
  });
});
