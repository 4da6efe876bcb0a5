import assert from 'node:assert/strict';
import { execFile as execFileCallback, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { toHex } from '@assay/core/bytes';
import { emptyPcr, replay, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { startEngine, type Engine, type EngineOptions, type EngineTpm } from '@assay/engine';
import { mapForWriting } from '@assay/testkit/files';
import { cannotMount, mountExt4, mountTmpfs } from '@assay/testkit/mounts';
import {
  assertReplays,
  eventually,
  nameOf,
  names,
  pairsOf,
  readList,
  scratchDirectory,
  startTpm,
  TPM_KINDS,
} from './support.ts';

const skip = cannotMount() ?? false;
const execFile = promisify(execFileCallback);

interface Setting extends AsyncDisposable {
  readonly engine: Engine;
  readonly tpm: EngineTpm;
  readonly socketPath: string | undefined;
  readonly mount: string;
  readonly directory: string;
  readonly seen: MeasurementEntry[];
  readonly log: string[];
}

/** An engine of its own TPM, directory and file system. */
async function engineOn(
  mountFileSystem: typeof mountTmpfs,
  kind: (typeof TPM_KINDS)[number] = 'simulated',
  options: Partial<EngineOptions> = {},
): Promise<Setting> {
  const stack = new AsyncDisposableStack();
  const { tpm, socketPath } = stack.use(await startTpm(kind));
  const mount = stack.use(mountFileSystem()).path;
  const directory = stack.use(scratchDirectory()).path;
  const seen: MeasurementEntry[] = [];
  const log: string[] = [];
  const engine = await startEngine({
    directory,
    tpm,
    mounts: [mount],
    mode: 'notify',
    onEntry: (entry) => seen.push(entry),
    log: (line) => log.push(line),
    ...options,
  });
  stack.defer(() => engine.stop('the test ended'));
  const dispose = (): Promise<void> => stack.disposeAsync();
  return { engine, tpm, socketPath, mount, directory, seen, log, [Symbol.asyncDispose]: dispose };
}

function sha256(path: string | Buffer): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** A program that does nothing, with content of its own. */
function program(path: string, content = ''): string {
  copyFileSync('/bin/true', path);
  writeFileSync(path, content, { flag: 'a' });
  return path;
}

function run(path: string): void {
  assert.equal(spawnSync(path).status, 0);
}

/** `digest path` of the files that were measured, in their order. */
function files(entries: readonly MeasurementEntry[]): string[] {
  const measured = entries.filter(({ template, number }) => template === 'ima-ng' && number > 1);
  return measured.map((entry) => `${toHex(entry.fields.digest?.value ?? new Uint8Array())} ${nameOf(entry)}`);
}

for (const kind of TPM_KINDS) {
  test(`an executed program is listed with its digest and path, and extended in every bank (${kind})`, {
    skip,
  }, async () => {
    await using setting = await engineOn(mountTmpfs, kind);
    const path = program(join(setting.mount, 'true'));
    run(path);
    await eventually('the program is listed', () => setting.seen.length === 2);
    assert.deepEqual(files(setting.seen), [`${sha256(path)} ${path}`]);
    await assertReplays(setting.directory, setting.tpm);
    await setting.engine.stop('done');
    assert.deepEqual(names(setting.directory), ['boot_aggregate', 'assay-engine-start', path, 'assay-engine-stop']);
    await assertReplays(setting.directory, setting.tpm);
    if (setting.socketPath !== undefined) await assertPcrread(setting.socketPath, setting.directory);
  });
}

/** What tpm2-tools read is what the list replays to. */
async function assertPcrread(socketPath: string, directory: string): Promise<void> {
  const replayed = replay(nodeHasher, { bank: 'sha256', pcr: 10, value: emptyPcr('sha256') }, readList(directory));
  const { stdout } = await execFile('tpm2_pcrread', ['-T', `swtpm:path=${socketPath}`, 'sha256:10'], {
    timeout: 120_000,
  });
  assert.equal(/10: 0x([0-9A-F]{64})/.exec(stdout)?.[1]?.toLowerCase(), toHex(replayed.value), stdout);
}

test('a start record names mode, rules and mounts, a stop record its reason', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs);
  await setting.engine.stop('the machine goes down; now');
  const entries = readList(setting.directory);
  const [, start, stop] = entries;
  assert.equal(start?.template, 'ima-buf');
  assert.deepEqual(pairsOf(start).slice(2), [
    ['mode', 'notify'],
    ['rule', 'measure func=BPRM_CHECK'],
    ['mount', setting.mount],
    ['list', 'new'],
  ]);
  assert.deepEqual(pairsOf(stop).slice(2), [
    ['reason', 'the machine goes down%3B now'],
    ['lost', '0'],
  ]);
  assert.deepEqual(setting.engine.status(), {
    mode: 'notify',
    appraise: undefined,
    paused: false,
    rules: ['measure func=BPRM_CHECK'],
    mounts: [setting.mount],
    entries: 3,
    violations: 0,
    lost: 0,
    watching: false,
    audits: [],
    problem: undefined,
  });
});

test('a script and its interpreter are both measured', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs);
  const shell = join(setting.mount, 'shell');
  copyFileSync('/bin/sh', shell);
  const script = join(setting.mount, 'script');
  writeFileSync(script, `#!${shell}\nexit 0\n`, { mode: 0o755 });
  run(script);
  await eventually('both are listed', () => setting.seen.length === 3);
  assert.deepEqual(files(setting.seen), [`${sha256(script)} ${script}`, `${sha256(shell)} ${shell}`]);
});

for (const [type, mount] of [
  ['tmpfs', mountTmpfs],
  ['ext4', mountExt4],
] as const) {
  test(`a program is listed once until it changes, however often it runs (${type})`, {
    skip,
    timeout: 60_000,
  }, async () => {
    await using setting = await engineOn(mount);
    const path = program(join(setting.mount, 'program'), 'first');
    const expected: string[] = [];
    const runs = async (): Promise<void> => {
      expected.push(`${sha256(path)} ${path}`);
      for (let i = 0; i < 3; i++) {
        await delay(25); // Time to be kept in the digest cache.
        run(path);
      }
      // Events come in order: when this one is listed, no run from before is measured under what the path is next.
      const last = program(join(setting.mount, `last-${expected.length}`), `last ${expected.length}`);
      run(last);
      expected.push(`${sha256(last)} ${last}`);
      await eventually('it is listed', () => files(setting.seen).length === expected.length);
      assert.deepEqual(files(setting.seen), expected);
    };
    await runs();
    writeFileSync(path, 'second', { flag: 'a' });
    await runs();
    renameSync(program(`${path}.new`, 'third'), path);
    await runs();
    {
      using mapping = mapForWriting(path);
      mapping.store(statSync(path).size - 1, Buffer.from('D'));
    }
    await runs();
    assert.equal(new Set(expected).size, 8);
    await setting.engine.stop('done');
    assert.deepEqual(files(readList(setting.directory)), expected);
    await assertReplays(setting.directory, setting.tpm);
  });
}

const hostile: [string, Buffer][] = [
  ['a newline', Buffer.from('a\n10 0000 ima-ng sha256:00 b')],
  ['blanks', Buffer.from(' a  b ')],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0xff, 0xc0, 0x80])],
  ['control and bidirectional characters', Buffer.from('\x1b[2J\u202etxt.exe')],
  ['the longest name', Buffer.alloc(255, 'n')],
];
for (const [what, name] of hostile) {
  test(`a name with ${what} is listed as the kernel would write it`, { skip }, async () => {
    await using setting = await engineOn(mountTmpfs);
    const path = Buffer.concat([Buffer.from(`${setting.mount}/`), name]);
    copyFileSync('/bin/true', path);
    // The shell takes the name as bytes, by a pattern that fits every file there.
    assert.equal(spawnSync('/bin/sh', ['-c', 'exec "$0"/*', setting.mount]).status, 0);
    await eventually('it is listed', () => setting.seen.length === 2);
    const written = Buffer.from(path.map((byte) => (byte === 0x20 ? 0x5f : byte)));
    assert.deepEqual(Buffer.from(setting.seen[1]?.fields.name ?? []), written);
    await setting.engine.stop('done');
    assert.equal(readList(setting.directory).length, 4);
    const ascii = readFileSync(join(setting.directory, 'ascii_runtime_measurements_sha256'));
    assert.ok(ascii.includes(Buffer.concat([Buffer.from(` sha256:${sha256(path)} `), written, Buffer.from('\n')])));
    await assertReplays(setting.directory, setting.tpm);
  });
}

test('a program that was removed before it was measured is listed as deleted', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs);
  const hold = join(setting.mount, 'hold');
  program(hold);
  // Hashing it, most of it a hole, takes a second or so, in which a small one is executed and removed, as a rule.
  truncateSync(hold, 1_200_000_000);
  for (let tries = 1; ; tries++) {
    const path = program(join(setting.mount, `gone-${tries}`), `gone ${tries}`);
    const digest = sha256(path);
    run(hold);
    run(path);
    rmSync(path);
    await eventually('it is listed', () => files(setting.seen).some((line) => line.startsWith(digest)));
    const line = files(setting.seen).find((each) => each.startsWith(digest));
    if (line === `${digest} ${path}_(deleted)`) return;
    assert.ok(line === `${digest} ${path}` && tries < 10, line);
  }
});

test('the same content under two names is listed twice', { skip }, async () => {
  await using setting = await engineOn(mountExt4);
  const [first, second] = [join(setting.mount, 'first'), join(setting.mount, 'second')];
  linkSync(program(first), second);
  await delay(30);
  for (const path of [first, second, first, second]) run(path);
  await eventually('both are listed', () => setting.seen.length === 3);
  assert.deepEqual(files(setting.seen), [`${sha256(first)} ${first}`, `${sha256(first)} ${second}`]);
});

test('many programs at once are all listed, and what waits at the stop is listed before it', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs, 'swtpm');
  for (let i = 0; i < 200; i++) program(join(setting.mount, `p${i}`), String(i));
  assert.equal(spawnSync('/bin/sh', ['-c', 'for p in "$0"/*; do "$p"; done', setting.mount]).status, 0);
  await setting.engine.stop('at once');
  const entries = readList(setting.directory);
  assert.equal(files(entries).length, 200);
  assert.equal(entries.length, 203);
  assert.equal(setting.engine.status().lost, 0);
  await assertReplays(setting.directory, setting.tpm);
});

test('a second start continues the list with a start record of its own', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs, 'swtpm');
  const path = program(join(setting.mount, 'program'));
  run(path);
  await setting.engine.stop('first');
  const options = { directory: setting.directory, tpm: setting.tpm, mounts: [setting.mount], mode: 'notify' } as const;
  const second = await startEngine(options);
  run(path);
  chmodSync(path, 0o700);
  await second.stop('second');
  const program1 = ['assay-engine-start', path, 'assay-engine-stop'];
  assert.deepEqual(names(setting.directory), [
    'boot_aggregate',
    ...program1,
    'assay-engine-start',
    'assay-engine-stop',
  ]);
  assert.deepEqual(pairsOf(readList(setting.directory)[4]).at(-1), ['list', 'continued']);
  await assertReplays(setting.directory, setting.tpm);
});

test('a second engine cannot have the directory of one that runs', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs);
  const options = { directory: setting.directory, tpm: setting.tpm, mounts: [setting.mount], mode: 'notify' } as const;
  await assert.rejects(startEngine(options), { name: 'SystemError', code: 'ENGINE-RUNNING' });
  await setting.engine.stop('make room');
  await (await startEngine(options)).stop('done');
});

test('an engine that cannot start leaves no thread and no lock behind', { skip }, async () => {
  await using machine = await startTpm('simulated');
  using directory = scratchDirectory();
  using mount = mountTmpfs();
  const options = { directory: directory.path, tpm: machine.tpm, mounts: [mount.path], mode: 'notify' } as const;
  await machine.tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(1)]]));
  for (let i = 0; i < 2; i++) await assert.rejects(startEngine(options), { code: 'PCR-FOREIGN' });
  await assert.rejects(startEngine({ ...options, mounts: [] }), { code: 'ENGINE-MOUNT' });
  await assert.rejects(startEngine({ ...options, mounts: ['/no/such/place'] }), { code: 'ENGINE-MOUNT' });
});

test('the directory is for its owner alone', { skip }, async () => {
  await using setting = await engineOn(mountTmpfs);
  assert.equal(statSync(setting.directory).mode & 0o777, 0o700);
});

test('a directory of another user, or a link to one, is refused', { skip }, async () => {
  await using machine = await startTpm('simulated');
  using mount = mountTmpfs();
  using directory = scratchDirectory();
  const options = { tpm: machine.tpm, mounts: [mount.path], mode: 'notify' } as const;
  const [foreign, link] = [join(directory.path, 'foreign'), join(directory.path, 'link')];
  mkdirSync(foreign);
  chownSync(foreign, 65_534, 65_534);
  symlinkSync(mount.path, link);
  for (const path of [foreign, link]) {
    await assert.rejects(startEngine({ ...options, directory: path }), { code: 'NOT-PERMITTED' });
  }
});

test('an error of onEntry is logged and holds nothing up', { skip }, async () => {
  const onEntry = (): never => {
    throw new Error('the listener is broken');
  };
  await using setting = await engineOn(mountTmpfs, 'simulated', { onEntry });
  run(program(join(setting.mount, 'program')));
  await eventually('it is listed', () => setting.engine.status().entries === 3);
  await setting.engine.stop('done');
  assert.match(setting.log.join('\n'), /the listener is broken/);
  await assertReplays(setting.directory, setting.tpm);
});
