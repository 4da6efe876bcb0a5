import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  fileSystemFacts,
  imaLabel,
  isElf,
  Survey,
  type SurveyedDirectory,
  type SurveyedFile,
  type SurveyProblem,
} from '@assay/linux/survey';
import { setXattr } from '@assay/linux/xattr';

const isRoot = process.geteuid?.() === 0;

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-survey-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function found(path: string, survey = new Survey(false)): (SurveyedFile | SurveyedDirectory | SurveyProblem)[] {
  return [...survey.directory(path)].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

test('a directory gives its files and directories, and neither links nor pipes', (t) => {
  const root = scratch(t);
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'f'), 'abc', { mode: 0o751 });
  linkSync(join(root, 'f'), join(root, 'g'));
  symlinkSync('f', join(root, 'l'));
  spawnSync('mkfifo', [join(root, 'p')]);
  const [directory, file, other] = found(root);
  assert.deepEqual(directory, { kind: 'directory', path: join(root, 'd') });
  assert.ok(file?.kind === 'file' && other?.kind === 'file');
  assert.deepEqual([file.size, file.mode & 0o777, file.owner, file.links], [3, 0o751, process.geteuid?.(), 2]);
  assert.equal(file.identity, other.identity);
  assert.equal(file.fileSystem.magic, BigInt(statfsSync(root).type));
  assert.notEqual(file.fileSystem.type ?? '', '');
  assert.equal(found(root).length, 3);
});

test('the file system of a file is told by magic number, type and, where it has one, UUID', () => {
  assert.deepEqual(fileSystemFacts('/proc/self/stat'), { magic: 0x9fa0n, type: 'proc', subtype: '' });
  const { uuid, ...facts } = fileSystemFacts('/');
  assert.deepEqual(Object.keys(facts).toSorted(), ['magic', 'subtype', 'type']);
  const told = spawnSync('findmnt', ['-n', '-o', 'UUID', '/'], { encoding: 'utf8' }).stdout.trim();
  if (told !== '') assert.equal(uuid, told);
  assert.match(uuid ?? '00000000-0000-0000-0000-000000000000', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.throws(() => fileSystemFacts('/none/at/all'), { code: 'ENOENT' });
});

test('names of any bytes keep them', (t) => {
  const root = scratch(t);
  const name = Buffer.from([0xff, 0x0a, 0x20, 0xc3, 0xa4]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), '\x7fELF');
  const [file] = found(root);
  assert.equal(file?.path, `${root}/${name.toString('latin1')}`);
  assert.equal(isElf(file.path), true);
  assert.equal(imaLabel(file.path), null);
});

test('what cannot be looked at is a problem with its reason', (t) => {
  const root = scratch(t);
  assert.deepEqual(found(join(root, 'none')), [{ kind: 'problem', path: join(root, 'none'), reason: 'ENOENT' }]);
  assert.equal(new Survey(false).file(join(root, 'none')).kind, 'problem');
  assert.equal(isElf(join(root, 'none')), false);
});

test('views of the kernel are passed over, and other file systems where one is wanted', () => {
  const directories = (survey: Survey): string[] =>
    found('/', survey).flatMap((one) => (one.kind === 'directory' ? [one.path] : []));
  const all = directories(new Survey(false));
  assert.ok(!all.includes('/proc') && !all.includes('/sys') && all.includes('/dev'));
  assert.ok(!directories(new Survey(true)).includes('/dev'));
});

test('a label is read as it stands', { skip: isRoot ? false : 'security.ima can be set by root alone' }, (t) => {
  const path = join(scratch(t), 'f');
  writeFileSync(path, '');
  setXattr(Buffer.from(path), 'security.ima', Uint8Array.of(4, 4, 1));
  assert.deepEqual(imaLabel(path), Uint8Array.of(4, 4, 1));
});
