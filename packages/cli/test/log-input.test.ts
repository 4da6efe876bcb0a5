import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  openSync,
  closeSync,
} from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import { ASSAY, assay, assertFails, documentIn, ordinaryUser, ROOT, scratch, UNSAFE } from './assay.ts';

const VECTOR = `${ROOT}packages/core/test/vectors/lists/ima-sig/binary_runtime_measurements_sha256`;
const DIGEST = nodeHasher.digest('sha256', utf8('content'));

test('hostile names reach neither terminal nor JSON raw, and stay apart', async (t) => {
  const escape = String.fromCharCode(27);
  const hostile = [
    utf8('/tmp/line\nbreak'),
    utf8(`/tmp/${escape}[2J${escape}]0;title${String.fromCharCode(7)}`),
    utf8('/tmp/\u202egnp.exe'),
    utf8('/tmp/\u2066isolate\u2069\u200b\ufeff'),
    utf8('/tmp/csi\u009b31m'),
    utf8('/tmp/paragraph\u2029end\u2028'),
    Uint8Array.of(0x2f, 0xff, 0xfe, 0x1b, 0x5b, 0x6d),
    utf8('/tmp/back\\x1bslash'),
    utf8('/tmp/back\u001bslash'),
    utf8('/tmp/tab\tcarriage\rreturn'),
  ];
  const list = new SimulatedList();
  list.begin(DIGEST);
  for (const name of hostile) list.measure(name, DIGEST);
  const path = `${scratch(t)}/${escape}[31m\u202elist_sha256`;
  writeFileSync(path, list.bytes());
  const shown = await assay(['log', 'show', path]);
  const lines = shown.stdout.trimEnd().split('\n');
  assert.equal(lines.length, hostile.length + 2);
  assert.equal(new Set(lines.map((line) => line.slice(line.lastIndexOf('  ')))).size, lines.length);
  const outputs = [shown, await assay(['log', 'show', path, '-o', 'json']), await assay(['log', 'verify', path])];
  outputs.push(await assay(['log', 'verify', path, '-o', 'json']));
  for (const { code, stdout, stderr } of outputs) {
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.ok(!UNSAFE.test(stdout), JSON.stringify(stdout));
  }
});

test('a hostile name of a file does nothing to the terminal in an error either', async () => {
  const { stderr } = await assay(['log', 'show', `/nowhere/${String.fromCharCode(27)}[2J\n\u202e`]);
  assert.match(stderr, /^error ENOENT: .*\nwhat to do Check the path: .*\n$/);
  assert.ok(!UNSAFE.test(stderr), JSON.stringify(stderr));
});

const COMMANDS = ['show', 'verify'] as const;

/** What is no list: its name in a directory, how it is made, and the code of the error. */
const NO_LISTS: readonly (readonly [what: string, make: (path: string) => void, code: string])[] = [
  ['a missing file', () => undefined, 'ENOENT'],
  ['an empty file', (path) => writeFileSync(path, ''), 'LIST-EMPTY'],
  ['a directory', (path) => mkdirSync(path), 'INPUT-FILE'],
  [
    'a sparse file of a terabyte',
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 40);
    },
    'LIST-TEMPLATE',
  ],
  ['zeros', (path) => writeFileSync(path, Buffer.alloc(4096)), 'LIST-TEMPLATE'],
  ['a text', (path) => writeFileSync(path, 'hello, world\n'.repeat(100)), 'LIST-PCR'],
];

for (const [what, make, code] of NO_LISTS) {
  test(`${what} is no list: a typed error, exit code 3`, async (t) => {
    const path = `${scratch(t)}/list`;
    make(path);
    for (const command of COMMANDS) await assertFails(['log', command, path], { code, exit: 3 });
  });
}

test('a list is read from a pipe, whatever pieces its writer makes of it', async (t) => {
  const path = `${scratch(t)}/pipe_sha256`;
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  for (const bytes of ['7', '1000', '65536']) {
    const writer = spawn('dd', [`if=${VECTOR}`, `of=${path}`, `bs=${bytes}`], { stdio: 'ignore' });
    const { code, stdout, stderr } = await assay(['log', 'verify', path]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /18 of 18 template digests \(sha256\) hold/);
    if (writer.exitCode === null) await once(writer, 'exit');
  }
});

/** Lists whose last record is not whole. */
const CUT: typeof NO_LISTS = [
  [
    'an ascii list cut short',
    (path) => writeFileSync(path, readFileSync(VECTOR.replace('binary', 'ascii')).subarray(0, -1)),
    'BYTES-TRUNCATED',
  ],
  ['a list cut short', (path) => writeFileSync(path, readFileSync(VECTOR).subarray(0, -1)), 'BYTES-TRUNCATED'],
  [
    'a list with bytes behind it',
    (path) => writeFileSync(path, Buffer.concat([readFileSync(VECTOR), Buffer.of(10)])),
    'BYTES-TRUNCATED',
  ],
];

for (const [what, make, code] of CUT) {
  test(`${what}: its entries are shown, then a typed error, exit code 3`, async (t) => {
    const path = `${scratch(t)}/list`;
    make(path);
    await assertFails(['log', 'verify', path], { code, exit: 3 });
    const text = await assay(['log', 'show', path]);
    assert.equal(text.code, 3);
    assert.match(text.stdout, /\n16 +10 .*\/mnt\/viol_tomtou\.txt\n/);
    assert.match(text.stderr, new RegExp(`^error ${code}: .*\nwhat to do .*\n$`));
    const json = await assay(['log', 'show', path, '-o', 'json']);
    assert.deepEqual([json.code, json.stderr], [3, text.stderr]);
    const { schema, entries, error } = documentIn(json);
    assert.equal(schema, 'assay.log.v1');
    assert.ok(Array.isArray(entries) && entries.length >= 16);
    assert.ok(typeof error === 'object' && error !== null && 'code' in error && error.code === code);
  });
}

test('of a list that is damaged in the middle, what stands before the damage is shown, in both forms', async (t) => {
  const path = `${scratch(t)}/list`;
  const { stdout } = await assay(['log', 'show', VECTOR]);
  const whole = stdout.split('\n');
  const damages: readonly (readonly [form: string, text: string, code: RegExp])[] = [
    ['binary', 'ima-sig', /^error LIST-TEMPLATE: entry 4 at offset \d+: /],
    ['ascii', ' ima-sig ', /^error LIST-TEMPLATE: entry 4 at line 4: /],
  ];
  for (const [form, text, code] of damages) {
    const bytes = readFileSync(VECTOR.replace('binary', form));
    // The template of entry 4, which is the second of this name.
    const place = bytes.indexOf(text, bytes.indexOf(text) + 1);
    bytes.write('x', place + text.indexOf('ima'));
    writeFileSync(path, bytes);
    const ended = await assay(['log', 'show', path, '--bank', 'sha256']);
    assert.equal(ended.code, 3);
    assert.match(ended.stderr, code);
    assert.deepEqual(ended.stdout.trimEnd().split('\n').map(squeezed), whole.slice(0, 4).map(squeezed));
  }
});

/** Columns are as wide as what is shown needs. */
function squeezed(line: string): string {
  return line.replace(/ +/g, ' ');
}

test('/dev/urandom is no list, as a device and as a file of its bytes', async (t) => {
  await assertFails(['log', 'show', '/dev/urandom'], { code: 'INPUT-FILE', exit: 3 });
  const path = `${scratch(t)}/random`;
  for (let round = 0; round < 5; round++) {
    spawnSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=4096', 'count=16'], { stdio: 'ignore' });
    assert.equal(statSync(path).size, 65_536);
    const { code, stdout, stderr } = await assay(['log', 'verify', path]);
    assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
    assert.match(stderr, /^error (LIST|BYTES|HASH|TEXT)-[A-Z]+: entry 1 at offset 0: .*\nwhat to do /);
  }
});

test('a list cut short anywhere is a typed error', async (t) => {
  const path = `${scratch(t)}/list_sha256`;
  const whole = readFileSync(VECTOR);
  for (const length of [1, 3, 35, 36, 40, 47, 51, 1000, 2000, 3000]) {
    writeFileSync(path, whole.subarray(0, length));
    const { code, stderr } = await assay(['log', 'verify', path]);
    assert.equal(code, 3, `${length} bytes`);
    assert.match(stderr, /^error BYTES-TRUNCATED: entry \d+ at offset \d+: /);
  }
});

test('a file of PCR values that is none is a typed error, exit code 3', async (t) => {
  const directory = scratch(t);
  const file = `${directory}/pcrs`;
  writeFileSync(file, 'sha256:10 00\n');
  const short = await assertFails(['log', 'verify', VECTOR, '--pcrs', file], { code: 'PCR-LINE', exit: 3 });
  assert.match(short.stderr, /pcrs, line 1: /);
  writeFileSync(file, `\nsha256:10 ${'0'.repeat(64)} more\n`);
  await assertFails(['log', 'verify', VECTOR, '--pcrs', file], { code: 'PCR-LINE', exit: 3 });
  truncateSync(file, 2 ** 40);
  await assertFails(['log', 'verify', VECTOR, '--pcrs', file], { code: 'BYTES-LIMIT', exit: 3 });
  await assertFails(['log', 'verify', VECTOR, '--pcrs', '/dev/urandom'], { code: 'INPUT-FILE', exit: 3 });
  await assertFails(['log', 'verify', VECTOR, '--pcrs', `${directory}/none`], { code: 'ENOENT', exit: 3 });
});

test('a list that may not be read: exit code 5', async (t) => {
  const options = ordinaryUser(t);
  const directory = scratch(t, options.user?.uid);
  const path = `${directory}/list`;
  copyFileSync(VECTOR, path);
  spawnSync('chmod', ['0', path]);
  await assertFails(['log', 'show', path], { code: 'EACCES', exit: 5 }, options);
});

test('a reader that has seen enough ends the command quietly', () => {
  for (const rest of [
    ['show', VECTOR],
    ['show', VECTOR, '-o', 'json'],
    ['verify', VECTOR],
  ]) {
    const line = `"$0" "$@" | head -c 1; echo " \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, ASSAY, 'log', ...rest], {
      encoding: 'utf8',
    });
    assert.match(stdout, /^. 0\n$/s);
    assert.equal(stderr, '');
  }
});

test('a full disk under the output is an error, exit code 3', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [ASSAY, 'log', 'show', VECTOR], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  assert.equal(status, 3);
  assert.match(stderr, /^error ENOSPC: the output cannot be written\n$/);
});

/** Copies of one record of boot_aggregate and one of a program. */
function longList(path: string, entries: number): void {
  const list = new SimulatedList();
  list.begin(DIGEST);
  const first = list.bytes();
  list.measure('/usr/lib/x86_64-linux-gnu/some/program/of/usual/length', DIGEST);
  const rest = Buffer.alloc((list.bytes().length - first.length) * (entries - 1), list.bytes().subarray(first.length));
  const fd = openSync(path, 'w');
  for (const part of [first, rest]) assert.equal(writeSync(fd, part), part.length);
  closeSync(fd);
}

test('a list of 200,000 entries is shown and verified with a heap of 600 MB', async (t) => {
  const path = `${scratch(t)}/list_sha256`;
  longList(path, 200_000);
  const env = { NODE_OPTIONS: '--max-old-space-size=600' };
  const shown = await assay(['log', 'show', path], { env });
  assert.deepEqual({ code: shown.code, stderr: shown.stderr }, { code: 0, stderr: '' });
  assert.equal(shown.stdout.split('\n').length, 200_002);
  assert.match(shown.stdout, /\n200000 +10 /);
  const json = await assay(['log', 'show', path, '-o', 'json'], { env });
  const document: unknown = JSON.parse(json.stdout);
  assert.ok(
    typeof document === 'object' && document !== null && 'entries' in document && Array.isArray(document.entries),
  );
  assert.equal(document.entries.length, 200_000);
  const verified = await assay(['log', 'verify', path], { env });
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, /200000 of 200000 template digests \(sha256\) hold/);
});
