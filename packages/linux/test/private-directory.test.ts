import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { makePrivateDirectory } from '@assay/linux/files';

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'assay-private-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('a private directory', () => {
  test('is made with those above it, all for their owner alone', (t) => {
    const above = join(scratch(t), 'a');
    makePrivateDirectory(join(above, 'b/c'));
    assert.deepEqual([above, join(above, 'b'), join(above, 'b/c')].map(modeOf), [0o700, 0o700, 0o700]);
  });

  test('stays as it is where it is there, behind a link, too', (t) => {
    const there = scratch(t);
    chmodSync(there, 0o751);
    const link = join(scratch(t), 'link');
    symlinkSync(there, link);
    for (const path of [there, link, `${there}/`, '/', '.']) makePrivateDirectory(path);
    assert.equal(modeOf(there), 0o751);
  });

  test('is refused, and never tried for ever, where none can be', (t) => {
    const directory = scratch(t);
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const dangling = join(directory, 'dangling');
    symlinkSync(join(directory, 'nothing'), dangling);
    for (const [path, code] of [
      ['/proc/none', 'ENOENT'],
      ['/proc/none/below', 'ENOENT'],
      ['', 'ENOENT'],
      [file, 'EEXIST'],
      [join(file, 'below'), 'ENOTDIR'],
      [dangling, 'ENOENT'],
    ] as const) {
      assert.throws(() => makePrivateDirectory(path), { code }, path);
    }
  });
});
