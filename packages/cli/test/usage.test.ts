import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { helpOfAll } from './command-tree.ts';
import { ASSAY, assay, assertFails, documentIn, ROOT, scratch, UNSAFE } from './assay.ts';

const HELPS = helpOfAll();
/** `evmctl` has the options and the help of the program that it stands in for. */
const COMMANDS = HELPS.filter(({ name, isGroup }) => !isGroup && name !== 'evmctl');
const GROUPS = HELPS.filter(({ isGroup }) => isGroup).map(({ name }) => name);

test('the help of a command is what its declaration says', async () => {
  for (const name of ['', 'up', 'engine policy load', 'verifier token create']) {
    const { code, stdout, stderr } = await assay([...name.split(' ').filter(Boolean), '--help']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(stdout, HELPS.find((help) => help.name === name)?.text, name);
  }
});

test('--help shows every command, where to start and the exit codes', async () => {
  const { code, stdout, stderr } = await assay(['--help']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /^Usage: assay /);
  const names = HELPS.map(({ name }) => name).filter((name) => /^\w+$/.test(name));
  assert.ok(names.length > 20);
  for (const name of names) assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'));
  assert.match(stdout, /Start here:\n {2}assay doctor/);
  assert.match(stdout, /Exit codes: 0 fine .*1 verified .*2 wrong usage.*3 .*\n?4 .*5 .*130/s);
});

for (const { name: command, text } of COMMANDS) {
  test(`assay ${command} --help has a synopsis, options and examples of itself`, () => {
    assert.match(text, new RegExp(`^Usage: assay ${command} \\[options\\]`));
    assert.match(text, /\n\nOptions:\n {2}/);
    const [, examples = ''] = text.split('\nExamples:\n');
    const lines = examples.trimEnd().split('\n');
    const own = new RegExp(`(^ {2}|[|&] |xargs .*)(sudo )?assay ${command}`);
    assert.ok(lines.some((line) => own.test(line)));
    for (const line of lines) assert.match(line, /^ {2}.*\bassay /);
    assert.ok(!UNSAFE.test(text));
    for (const line of text.split('\n')) assert.ok(line.length <= 100, line);
  });
}

test('every command has -o json, but for those that docs/cli.md names', () => {
  const without = COMMANDS.filter(({ text }) => !text.includes('-o, --output <format>')).map(({ name }) => name);
  assert.deepEqual(without, ['up', 'verifier serve', 'policy format']);
  const page = readFileSync(`${ROOT}/docs/cli.md`, 'utf8').replaceAll(/\s+/g, ' ');
  assert.match(
    page,
    /Every command but `assay up`, `assay verifier serve`, `assay policy format` and `assay evmctl` has it/,
  );
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(`${ROOT}/packages/cli/package.json`, 'utf8')) as { version: string };
  const ended = await assay(['--version']);
  assert.deepEqual(ended, { code: 0, stdout: `${version}\n`, stderr: '' });
});

for (const group of GROUPS) {
  test(`assay ${group} alone shows its commands on stderr, and is wrong usage`, async () => {
    const { code, stdout, stderr } = await assay(group === '' ? [] : group.split(' '));
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^Usage: assay .*Commands:/s);
    assert.doesNotMatch(stderr, /error/);
  });
}

type Wrong = readonly [what: string, args: readonly string[], message: RegExp];

const WRONG: readonly Wrong[] = [
  ['an unknown command', ['nope'], /unknown command 'nope'/],
  ['a misspelt command, with the right one', ['doctr'], /Did you mean doctor\?/],
  ['an unknown command of a group', ['log', 'nope'], /unknown command 'nope'/],
  ['an unknown option', ['doctor', '--nope'], /unknown option '--nope'/],
  ['a misspelt option, with the right one', ['log', 'verify', 'x', '--bnak', 'sha1'], /Did you mean --bank\?/],
  ['an excess argument', ['log', 'show', 'a', 'b'], /too many arguments/],
  ['an argument of a command that takes none', ['doctor', 'x'], /too many arguments/],
  ['a missing argument', ['log', 'show'], /missing required argument 'file'/],
  ['a bank that does not exist', ['log', 'show', 'x', '--bank', 'md5'], /Allowed choices are sha1/],
  ['a port over 65535', ['doctor', '--port', '65536'], /from 0 to 65535/],
  ['an address that is none', ['hosts', 'get', '--url', 'nope'], /--url is not an address/],
  ['an address of another protocol', ['hosts', 'get', '--url', 'file:///etc/passwd'], /--url is not an address/],
  ['a note that is too long', ['reference', 'capture', '--note', 'x'.repeat(501)], /--note is longer than 500/],
  ['an empty configuration of a kernel', ['policy', 'check', 'x', '--config', ''], /--config takes debian or a file/],
  ['a PCR value without its bank', ['log', 'verify', 'x', '--pcr', '10=00'], /--pcr takes BANK:INDEX=HEX/],
  ['a PCR value cut short', ['log', 'verify', 'x', '--pcr', 'sha256:10=00'], /--pcr takes BANK:INDEX=HEX/],
  ['a PCR that does not exist', ['log', 'verify', 'x', '--pcr', `sha1:24=${'0'.repeat(40)}`], /--pcr takes/],
  ['a bank of PCRs that does not exist', ['log', 'verify', 'x', '--pcr', `md5:10=${'0'.repeat(32)}`], /--pcr takes/],
];

/** `assay up` has text for people only, and these others would swallow `-o json`. */
const WRONG_IN_TEXT: readonly Wrong[] = [
  ['an option without its value', ['log', 'verify', 'x', '--pcrs'], /argument missing/],
  ['an output format that does not exist', ['doctor', '-o', 'xml'], /Allowed choices are text, json/],
  ['a port that is no number', ['up', '--port', 'x'], /from 0 to 65535/],
  ['a TPM that does not exist', ['up', '--tpm', 'chip'], /--tpm takes auto, device\[:PATH\]/],
  ['a TPM device without its path', ['up', '--tpm', 'device:'], /--tpm takes/],
  ['a list that does not exist', ['up', '--list', 'mine'], /Allowed choices are auto, kernel, engine/],
  ['a host name with a blank', ['up', '--name', 'a b'], /--name takes/],
  ['an empty state directory', ['up', '--state', ''], /--state names no directory/],
  ['--permission without --watch', ['up', '--permission'], /name the mounts with --watch/],
];

for (const [what, args, message] of WRONG) {
  test(`${what} is wrong usage: exit code 2 and a hint, in text and in JSON`, async () => {
    const { stderr } = await assertFails(args, { code: 'USAGE', exit: 2 });
    assert.match(stderr, message);
    assert.match(stderr, /\nwhat to do Run it with --help for its options\.\n$/);
  });
}

for (const [what, args, message] of WRONG_IN_TEXT) {
  test(`${what} is wrong usage: exit code 2 and a hint`, async (t) => {
    const { code, stdout, stderr } = await assay(args, { cwd: scratch(t) });
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^error USAGE: .*\nwhat to do Run it with --help for its options\.\n$/);
    assert.match(stderr, message);
  });
}

test('a wrong ASSAY_URL is named as what it is', async () => {
  const { code, stderr } = await assay(['hosts', 'get'], { env: { ASSAY_URL: 'nope' } });
  assert.equal(code, 2);
  assert.match(stderr, /--url is not an address/);
});

test('--output=json and -ojson are understood in errors as well', async () => {
  for (const format of ['--output=json', '-ojson']) {
    const ended = await assay(['log', 'show', '/nowhere', format]);
    assert.deepEqual([documentIn(ended)['code'], ended.code], ['ENOENT', 3]);
  }
});

const FILE_ERRORS: readonly (readonly [path: string, stderr: RegExp])[] = [
  ['/nowhere', /^error ENOENT: .*'\/nowhere'\nwhat to do Check the path: .* is not there\.\n$/],
  ['/proc/version/none', /^error ENOTDIR: .*\nwhat to do Check the path: .* no directory\.\n$/],
];

for (const [path, expected] of FILE_ERRORS) {
  test(`where the system refuses to open ${path}, the error says what to do`, async () => {
    const { code, stderr } = await assay(['log', 'show', path]);
    assert.match(stderr, expected);
    assert.equal(code, 3);
  });
}

const OLD_NODE = '/usr/bin/node';
const oldVersion = existsSync(OLD_NODE) ? spawnSync(OLD_NODE, ['--version'], { encoding: 'utf8' }).stdout.trim() : '';
const isOld = oldVersion !== '' && Number(oldVersion.slice(1).split('.')[0]) < 24;

test('an older Node hands over to the one that npm brought, with arguments and exit code', {
  skip: isOld
    ? false
    : `${OLD_NODE} is ${oldVersion === '' ? 'not there' : `${oldVersion}, which is not older than 24`}`,
}, async () => {
  const doctor = documentIn(await assay(['doctor', '-o', 'json'], { node: OLD_NODE }));
  assert.match(JSON.stringify(doctor), /Node 2[4-9]\./);
  assert.equal((await assay(['nope'], { node: OLD_NODE })).code, 2);
});

test('an older Node without the one that npm brings says what to do', {
  skip: isOld ? false : `no Node older than 24 at ${OLD_NODE}`,
}, async (t) => {
  const alone = scratch(t);
  mkdirSync(`${alone}/bin`);
  writeFileSync(`${alone}/package.json`, '{"type":"module"}');
  for (const name of ['assay.js', 'start.js']) copyFileSync(join(dirname(ASSAY), name), `${alone}/bin/${name}`);
  const { code, stdout, stderr } = await assay(['doctor'], { node: OLD_NODE, assay: `${alone}/bin/assay.js` });
  assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
  assert.match(stderr, /needs Node 24 or later; this is v\d+.*npm install/);
});
