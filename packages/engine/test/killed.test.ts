import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEngine } from '@assay/engine';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';
import { assertReplays, eventually, names, pairsOf, readList, scratchDirectory, startTpm } from './support.ts';

const LIMIT = { skip: cannotMount() ?? false, timeout: 60_000 };
const run = promisify(execFile);

interface Doomed {
  readonly process: ChildProcessWithoutNullStreams;
  kill(): Promise<void>;
}

async function doomedEngine(...args: string[]): Promise<Doomed> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./doomed-engine.ts')), ...args]);
  const errors: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => errors.push(piece));
  const first = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.equal(String(first[0]), 'started\n', Buffer.concat(errors).toString());
  const gone = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  return { process: child, kill };
}

async function goDeaf(child: ChildProcessWithoutNullStreams): Promise<void> {
  child.stdin.write('go\n');
  assert.equal(String((await once(child.stdout, 'data'))[0]), 'deaf\n');
}

test(
  'an engine killed between list and PCR is continued: the entry is extended, the second start shows the gap',
  LIMIT,
  async () => {
    await using machine = await startTpm('swtpm');
    using mount = mountTmpfs();
    using directory = scratchDirectory();
    const [before, torn] = [join(mount.path, 'before'), join(mount.path, 'torn')];
    for (const path of [before, torn]) copyFileSync('/bin/true', path);
    const doomed = await doomedEngine(machine.socketPath ?? '', directory.path, mount.path, 'notify');
    const listed = (path: string): boolean =>
      readFileSync(join(directory.path, 'ascii_runtime_measurements_sha256'), 'utf8').includes(` ${path}\n`);
    try {
      await run(before);
      await eventually('it is listed', () => listed(before));
      await goDeaf(doomed.process);
      await run(torn);
      await eventually('it is listed', () => listed(torn));
    } finally {
      await doomed.kill();
    }
    await assert.rejects(assertReplays(directory.path, machine.tpm));
    const options = { directory: directory.path, tpm: machine.tpm, mounts: [mount.path], mode: 'notify' } as const;
    await (await startEngine(options)).stop('done');
    const start = 'assay-engine-start';
    assert.deepEqual(names(directory.path), ['boot_aggregate', start, before, torn, start, 'assay-engine-stop']);
    assert.deepEqual(pairsOf(readList(directory.path)[4]).at(-1), ['list', 'continued']);
    await assertReplays(directory.path, machine.tpm);
  },
);

function states(pid = 0): (string | undefined)[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.map((id) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1'))?.[1]);
}

test('a program that waits for an engine runs on when the engine is killed', LIMIT, async () => {
  await using machine = await startTpm('swtpm');
  using mount = mountTmpfs();
  using directory = scratchDirectory();
  const path = join(mount.path, 'program');
  copyFileSync('/bin/true', path);
  const doomed = await doomedEngine(machine.socketPath ?? '', directory.path, mount.path, 'permission');
  try {
    doomed.process.kill('SIGSTOP');
    await eventually('all its threads are stopped', () => states(doomed.process.pid).every((state) => state === 'T'));
    let ended = false;
    const ran = run('/bin/sh', ['-c', '"$0"', path]).then(() => {
      ended = true;
    });
    await delay(500);
    assert.equal(ended, false, 'an engine that is stopped answers nothing');
    await doomed.kill();
    await ran;
  } finally {
    await doomed.kill();
  }
});
