import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { assay, assertFails, documentIn, ROOT, scratch } from './assay.ts';

const LIST = `${ROOT}packages/core/test/vectors/lists/6.1/binary_runtime_measurements`;
const sha256 = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

function run(cwd: string, command: string): void {
  const { status, stderr } = spawnSync('sh', ['-ec', command], { cwd, encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, `${command}: ${stderr} (apt-get install dpkg-dev gpg gpgv)`);
}

function deb(directory: string, version: string, content: string): string {
  const root = join(directory, `tool-${version}`);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  mkdirSync(join(root, 'bin'));
  const control = `Package: tool\nVersion: ${version}\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n`;
  writeFileSync(join(root, 'DEBIAN/control'), control);
  writeFileSync(join(root, 'bin/tool'), content);
  run(directory, `dpkg-deb --root-owner-group -Zgzip -b tool-${version} tool_${version}_all.deb`);
  return join(directory, `tool_${version}_all.deb`);
}

const Pools = z.looseObject({
  version: z.int(),
  pools: z.array(
    z.looseObject({
      id: z.string(),
      until: z.string().optional(),
      digests: z.array(z.object({ digest: z.string(), paths: z.array(z.string()) })),
    }),
  ),
});
const read = (path: string) => Pools.parse(JSON.parse(readFileSync(path, 'utf8')));
const RETIRE = '2099-01-01T00:00:00Z';

describe('assay reference build', () => {
  test('writes a pool for each package, and keeps the old version good until its time is over', async (t) => {
    const directory = scratch(t);
    const [one, two] = [deb(directory, '1.0', 'one'), deb(directory, '2.0', 'two')];
    const [v1, v2] = [join(directory, 'v1.json'), join(directory, 'v2.json')];
    const build = ['reference', 'build', '--cache', join(directory, 'cache')];
    const first = await assay([...build, '--name', 'web', '--deb', one, '--list', LIST, '--out', v1]);
    assert.deepEqual([first.code, first.stderr], [0, '']);
    assert.match(first.stdout, /: web version 1, \d+ digests in 2 pools\n$/);
    const paths = ['/bin/tool', '/usr/bin/tool'];
    assert.deepEqual(read(v1).pools.at(-1)?.digests, [{ digest: sha256('one'), paths }]);
    await assay([...build, '--base', v1, '--deb', two, '--retire', RETIRE, '--out', v2]);
    const { version, pools } = read(v2);
    assert.deepEqual(
      [version, pools.map(({ id, until }) => [id, until])],
      [
        2,
        [
          ['host:binary_runtime_measurements', undefined],
          ['tool_1.0_all', RETIRE],
          ['tool_2.0_all', undefined],
        ],
      ],
    );
    const { stdout } = await assay(['reference', 'diff', v1, v2]);
    assert.equal(stdout, 'tool: 1.0 -> 1.0, 2.0, 2 files updated\n');
    assert.equal(readdirSync(join(directory, 'cache')).length, 2);
    const again = await assay([...build, '--base', v1, '--deb', two, '--out', v2, '-o', 'json']);
    assert.deepEqual([documentIn(again)['pools'], read(v2).pools.map(({ id }) => id).length], [1, 2]);
  });

  test('reads a signed repository, and refuses another index, package or signer', async (t) => {
    const directory = scratch(t);
    const apt = join(directory, 'apt');
    mkdirSync(apt);
    copyFileSync(deb(directory, '1.0', 'one'), join(apt, 'tool_1.0_all.deb'));
    run(apt, 'dpkg-scanpackages . 2>/dev/null >Packages');
    run(apt, `printf 'SHA256:\\n %s %s Packages\\n' $(sha256sum Packages | cut -c1-64) $(stat -c%s Packages) >Release`);
    mkdirSync(join(directory, 'gpg'), { mode: 0o700 });
    const gpg = `gpg --homedir ${join(directory, 'gpg')} --batch --quiet --pinentry-mode loopback --passphrase ''`;
    for (const name of ['archive', 'stranger']) {
      run(apt, `${gpg} --quick-generate-key ${name} ed25519 sign never && ${gpg} --export ${name} >../${name}.gpg`);
    }
    run(apt, `${gpg} -u archive --clearsign -o InRelease Release`);
    t.after(() => spawnSync('gpgconf', ['--homedir', join(directory, 'gpg'), '--kill', 'all']));
    const out = join(directory, 'v1.json');
    const build = (...more: string[]) => [
      'reference',
      'build',
      '--name',
      'apt',
      '--repository',
      apt,
      '--out',
      out,
      ...more,
    ];
    const good = await assay(build('--keyring', join(directory, 'archive.gpg')));
    assert.deepEqual([good.code, good.stderr], [0, '']);
    assert.deepEqual(
      read(out).pools.map(({ id }) => id),
      ['tool_1.0_all'],
    );
    const refusal = { exit: 1, code: 'POLICY-SIGNATURE' };
    await assertFails(build('--keyring', join(directory, 'stranger.gpg')), refusal);
    appendFileSync(join(apt, 'tool_1.0_all.deb'), '\n');
    run(apt, 'printf "\\n" >>Packages');
    await assertFails(build('--keyring', join(directory, 'archive.gpg')), refusal);
    run(apt, 'rm Release InRelease');
    const ended = await assay(build());
    assert.notEqual(ended.code, 0, 'a package that is not the one of the index');
  });

  test('wants something to read, and a name', async (t) => {
    const out = join(scratch(t), 'v1.json');
    await assertFails(['reference', 'build', '--name', 'web', '--out', out], { exit: 2, code: 'USAGE' });
    await assertFails(['reference', 'build', '--tree', '/usr/sbin', '--out', out], { exit: 2, code: 'USAGE' });
    await assertFails(['reference', 'build', '--name', 'a', '--deb', LIST, '--out', out], {
      exit: 3,
      code: 'ARCHIVE-FORM',
    });
  });
});
