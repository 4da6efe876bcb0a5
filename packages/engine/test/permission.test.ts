import assert from 'node:assert/strict';
import { execFile as execFileCallback } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { toHex } from '@assay/core/bytes';
import { emptyPcr, replay } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { startEngine, type EngineOptions } from '@assay/engine';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';
import {
  assertReplays,
  eventually,
  FaultyTpm,
  nameOf,
  names,
  pairsOf,
  readList,
  scratchDirectory,
  startTpm,
} from './support.ts';

const skip = cannotMount() ?? false;
const execFile = promisify(execFileCallback);
const LIMIT = { skip, timeout: 60_000 };

/** Runs programs from a shell: this process must not wait for an exec that it is to answer itself. */
async function shell(command: string, ...args: string[]): Promise<string> {
  return (await execFile('/bin/sh', ['-c', command, ...args], { timeout: 120_000 })).stdout;
}

test('a program is in the list and in the PCR before its first instruction', LIMIT, async () => {
  await using machine = await startTpm('swtpm');
  using mount = mountTmpfs();
  using directory = scratchDirectory();
  const options: EngineOptions = {
    directory: directory.path,
    tpm: machine.tpm,
    mounts: [mount.path],
    mode: 'permission',
  };
  const engine = await startEngine(options);
  const ascii = join(directory.path, 'ascii_runtime_measurements_sha256');
  const runs: { path: string; list: string; pcr: string }[] = [];
  try {
    for (let i = 0; i < 10; i++) {
      const path = join(mount.path, `program${i}`);
      const pcrread = `tpm2_pcrread -T swtpm:path=${machine.socketPath ?? ''} sha256:10`;
      writeFileSync(path, `#!/bin/sh\ncat ${ascii}\n${pcrread}\n`, { mode: 0o755 });
      const output = await shell('"$0"', path);
      const pcr = /10: 0x([0-9A-F]{64})/.exec(output)?.[1]?.toLowerCase() ?? '';
      runs.push({ path, list: output, pcr });
    }
  } finally {
    await engine.stop('done');
  }
  const entries = readList(directory.path);
  for (const { path, list, pcr } of runs) {
    assert.match(list, new RegExp(` ${path}\n`));
    const number = entries.find((entry) => nameOf(entry) === path)?.number ?? 0;
    const from = { bank: 'sha256', pcr: 10, value: emptyPcr('sha256') } as const;
    assert.equal(pcr, toHex(replay(nodeHasher, from, entries.slice(0, number)).value));
  }
  assert.equal(entries.length, 3 + runs.length);
  assert.equal(engine.status().lost, 0);
});

test('a TPM that does not answer holds programs up for a time only; the gap is recorded', LIMIT, async () => {
  await using machine = await startTpm('simulated');
  using mount = mountTmpfs();
  using directory = scratchDirectory();
  const faulty = new FaultyTpm(machine.tpm);
  let held: Promise<void> | undefined;
  const tpm = {
    activeBanks: () => faulty.activeBanks(),
    readPcrs: faulty.readPcrs.bind(faulty),
    extendPcr: async (...args: Parameters<FaultyTpm['extendPcr']>) => {
      await held;
      await faulty.extendPcr(...args);
    },
  };
  const engine = await startEngine({ directory: directory.path, tpm, mounts: [mount.path], mode: 'permission' });
  try {
    const paths = ['first', 'second', 'third'].map((name) => join(mount.path, name));
    for (const path of paths) copyFileSync('/bin/true', path);
    const goOn = Promise.withResolvers<void>();
    held = goOn.promise;
    for (const path of paths.slice(0, 2)) await shell('"$0"', path);
    goOn.resolve();
    await eventually('all are extended, and nobody is late any more', () => faulty.extends === 6);
    await shell('"$0"', paths[2] ?? '');
    assert.equal(engine.status().entries, 7);
    await engine.stop('done');
    const gap = 'assay-engine-gap';
    const listed = names(directory.path).slice(2);
    assert.deepEqual(listed.toSorted(), [...paths, gap, gap, 'assay-engine-stop'].toSorted());
    const gaps = readList(directory.path).filter((entry) => nameOf(entry) === gap);
    assert.deepEqual(
      gaps.map((entry) => pairsOf(entry).slice(2)),
      paths.slice(0, 2).map((path, index) => [
        ['reason', 'answer-late'],
        ['lost', String(index + 1)],
        ['path', path],
      ]),
    );
    await assertReplays(directory.path, machine.tpm);
  } finally {
    await engine.stop('done');
  }
});

test('programs run after the engine has stopped', LIMIT, async () => {
  await using machine = await startTpm('simulated');
  using mount = mountTmpfs();
  using directory = scratchDirectory();
  const options = { directory: directory.path, tpm: machine.tpm, mounts: [mount.path], mode: 'permission' } as const;
  await (await startEngine(options)).stop('at once');
  const path = join(mount.path, 'program');
  copyFileSync('/bin/true', path);
  await shell('"$0"', path);
  assert.equal(names(directory.path).includes(path), false);
});

test('many programs at once are all measured before they run', LIMIT, async () => {
  await using machine = await startTpm('swtpm');
  using mount = mountTmpfs();
  using directory = scratchDirectory();
  const options = { directory: directory.path, tpm: machine.tpm, mounts: [mount.path], mode: 'permission' } as const;
  const engine = await startEngine(options);
  try {
    for (let i = 0; i < 100; i++) {
      const path = join(mount.path, `p${i}`);
      copyFileSync('/bin/true', path);
      writeFileSync(path, String(i), { flag: 'a' });
    }
    await shell('for p in "$0"/*; do "$p" & done; wait', mount.path);
    assert.equal(engine.status().entries, 102);
    assert.equal(engine.status().lost, 0);
  } finally {
    await engine.stop('done');
  }
  await assertReplays(directory.path, machine.tpm);
});

const refused: [string, (mount: string) => string, RegExp][] = [
  ['the root file system', () => '/', /root file system/],
  ['a directory that is no mount point, as its whole file system would wait', () => '/usr', /no mount point/],
  ['a directory below a mount point', (mount) => join(mount, 'below'), /no mount point/],
];
for (const [what, path, message] of refused) {
  test(`permission mode refuses ${what}`, LIMIT, async () => {
    await using machine = await startTpm('simulated');
    using mount = mountTmpfs();
    using directory = scratchDirectory();
    mkdirSync(join(mount.path, 'below'));
    const options = { directory: directory.path, tpm: machine.tpm, mode: 'permission' } as const;
    await assert.rejects(startEngine({ ...options, mounts: [mount.path, path(mount.path)] }), {
      code: 'ENGINE-MOUNT',
      message,
    });
  });
}
