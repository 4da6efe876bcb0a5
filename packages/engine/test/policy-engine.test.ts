import assert from 'node:assert/strict';
import { execFile as execFileCallback } from 'node:child_process';
import { appendFileSync, chownSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { toHex, utf8 } from '@assay/core/bytes';
import type { AppraiseMode } from '@assay/core/appraisal';
import { nodeHasher } from '@assay/core/node';
import { startEngine, type Engine } from '@assay/engine';
import { getXattr, setXattr } from '@assay/linux/xattr';
import { cannotMount, mountExt4, type ScratchMount } from '@assay/testkit/mounts';
import type { AuditEvent } from '../src/decision/contract.ts';
import { deciderSetup } from './decision-support.ts';
import { assertReplays, eventually, nameOf, pairsOf, readList, scratchDirectory, startTpm } from './support.ts';

const skip = cannotMount() ?? false;
const LIMIT = { skip, timeout: 60_000 };
const execFile = promisify(execFileCallback);

/** Runs in a process of its own: this one must not wait for openings that it is to answer itself. */
async function shell(command: string, ...args: string[]): Promise<{ status: number; output: string }> {
  try {
    const { stdout } = await execFile('/bin/sh', ['-c', command, ...args], { timeout: 120_000 });
    return { status: 0, output: stdout };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') throw error;
    return { status: error.code, output: '' };
  }
}

interface Running {
  readonly engine: Engine;
  readonly mount: string;
  readonly directory: string;
  readonly audits: AuditEvent[];
}

async function withEngine(
  policy: string,
  mode: AppraiseMode,
  prepare: (mount: string) => void,
  run: (running: Running) => Promise<void>,
): Promise<void> {
  await using machine = await startTpm('swtpm');
  using mount: ScratchMount = mountExt4();
  using directory = scratchDirectory();
  const audits: AuditEvent[] = [];
  prepare(mount.path);
  const engine = await startEngine({
    directory: directory.path,
    tpm: machine.tpm,
    mounts: [mount.path],
    mode: 'permission',
    decider: deciderSetup({ policy, mode }),
    onAudit: (event) => audits.push(event),
  });
  try {
    await run({ engine, mount: mount.path, directory: directory.path, audits });
  } finally {
    await engine.stop('done');
  }
  await assertReplays(directory.path, machine.tpm);
}

test('a policy decides what is measured, into which PCR and with which template', LIMIT, async () => {
  const policy = [
    'measure func=BPRM_CHECK',
    'measure func=FILE_CHECK mask=MAY_READ fowner=3000 pcr=11 template=ima-sig',
    'dont_measure func=MMAP_CHECK fowner=3001',
    'measure func=MMAP_CHECK',
    'measure func=CRITICAL_DATA label=kernel_info',
    '',
  ].join('\n');
  const prepare = (mount: string): void => {
    copyFileSync('/bin/true', join(mount, 'program'));
    writeFileSync(join(mount, 'owned'), 'x');
    chownSync(join(mount, 'owned'), 3000, 0);
    writeFileSync(join(mount, 'other'), 'y');
    for (const name of ['library', 'excepted']) copyFileSync('/bin/true', join(mount, name));
    chownSync(join(mount, 'excepted'), 3001, 0);
  };
  await withEngine(policy, 'log', prepare, async ({ mount, directory, engine }) => {
    const all = ['owned', 'other', 'library', 'excepted'].map((name) => join(mount, name));
    await shell('"$0"/program && cat "$@" >/dev/null', mount, ...all);
    const entries = readList(directory);
    assert.deepEqual(
      entries.map((entry) => [entry.pcr, entry.template, nameOf(entry).replace(mount, '')]),
      [
        [10, 'ima-ng', 'boot_aggregate'],
        [10, 'ima-buf', 'assay-engine-start'],
        [10, 'ima-buf', 'kernel_version'],
        [10, 'ima-buf', 'kernel_cmdline'],
        [10, 'ima-ng', '/program'],
        [11, 'ima-sig', '/owned'],
        [10, 'ima-ng', '/library'],
      ],
    );
    assert.equal(Buffer.from(entries[2]?.fields.buffer ?? []).toString(), release());
    assert.ok(pairsOf(entries[1]).some(([key, value]) => key === 'rule' && value === 'measure func=BPRM_CHECK'));
    assert.equal(engine.status().rules.length, 5);
  });
});

test(
  'enforce refuses what has no right label, with the audit record; log lets it run and says the same',
  LIMIT,
  async () => {
    const prepare = (mount: string): void => {
      for (const name of ['right', 'wrong', 'none']) copyFileSync('/bin/true', join(mount, name));
      const label = Uint8Array.of(4, 4, ...nodeHasher.digest('sha256', readFileSync('/bin/true')));
      setXattr(utf8(join(mount, 'right')), 'security.ima', label);
      setXattr(utf8(join(mount, 'wrong')), 'security.ima', label.with(5, (label[5] ?? 0) ^ 1));
    };
    for (const mode of ['enforce', 'log'] as const) {
      await withEngine('appraise func=BPRM_CHECK\n', mode, prepare, async ({ mount, audits }) => {
        const run = async (name: string): Promise<number> => (await shell('"$0"', join(mount, name))).status;
        assert.deepEqual([await run('right'), await run('right')], [0, 0]);
        const refused = mode === 'enforce' ? 126 : 0;
        assert.deepEqual([await run('wrong'), await run('none'), await run('none')], [refused, refused, refused]);
        await eventually('the records are there', () => audits.length === 3);
        assert.deepEqual(
          audits.map(({ cause, denied }) => [cause, denied]),
          ['invalid-hash', 'missing-hash', 'missing-hash'].map((cause) => [cause, mode === 'enforce']),
        );
        const { ino } = statSync(join(mount, 'wrong'));
        const path = join(mount, 'wrong');
        const text = `op=appraise_data cause=invalid-hash comm="sh" name="${path}" dev="loop\\d+" ino=${ino} res=0 errno=0$`;
        assert.match(audits[0]?.text ?? '', new RegExp(`^pid=\\d+ uid=0 auid=\\d+ ses=\\d+ ${text}`));
      });
    }
  },
);

test('fix gives labels, and what it labelled runs when it enforces', LIMIT, async () => {
  const prepare = (mount: string): void => copyFileSync('/bin/true', join(mount, 'program'));
  await withEngine('appraise func=BPRM_CHECK\n', 'fix', prepare, async ({ mount, engine, directory }) => {
    const path = join(mount, 'program');
    assert.equal((await shell('"$0"', path)).status, 0);
    const label = getXattr(utf8(path), 'security.ima') ?? new Uint8Array();
    assert.equal(toHex(label), `0404${toHex(nodeHasher.digest('sha256', readFileSync('/bin/true')))}`);
    engine.setMode('enforce', 'tested');
    assert.equal((await shell('"$0"', path)).status, 0);
    appendFileSync(path, 'x');
    await eventually('the mode is recorded', () =>
      readList(directory).some((entry) => nameOf(entry) === 'assay-engine-mode'),
    );
    assert.equal((await shell('"$0"', path)).status, 126);
  });
});

test('a pause lets everything pass and is in the list as a gap', LIMIT, async () => {
  const prepare = (mount: string): void => copyFileSync('/bin/true', join(mount, 'program'));
  const policy = 'measure func=BPRM_CHECK\nappraise func=BPRM_CHECK\n';
  await withEngine(policy, 'enforce', prepare, async ({ mount, engine, directory }) => {
    const run = async (): Promise<number> => (await shell('"$0"', join(mount, 'program'))).status;
    assert.equal(await run(), 126);
    engine.setPaused(true, 'operator');
    assert.equal(await run(), 0);
    engine.setPaused(false, 'operator');
    assert.equal(await run(), 126);
    await eventually('both are recorded', () => engine.status().entries === 5);
    const [, , , gap, mode] = readList(directory);
    assert.deepEqual(pairsOf(gap).slice(2), [
      ['reason', 'paused'],
      ['by', 'operator'],
    ]);
    assert.equal(mode && nameOf(mode), 'assay-engine-mode');
  });
});

test('a file that is read while it is open for writing is a violation', LIMIT, async () => {
  const policy = 'measure func=FILE_CHECK mask=MAY_READ\n';
  const prepare = (mount: string): void => writeFileSync(join(mount, 'file'), 'x');
  await withEngine(policy, 'log', prepare, async ({ mount, engine, directory }) => {
    const path = join(mount, 'file');
    await shell('exec 3>>"$0"; cat "$0" >/dev/null; cat "$0" >/dev/null', path);
    assert.equal(engine.status().violations, 1);
    const entries = readList(directory).slice(2);
    assert.deepEqual(
      entries.map((entry) => [entry.violation, nameOf(entry)]),
      [
        [true, path],
        [false, path],
      ],
    );
    assert.equal(readFileSync(join(directory, 'violations'), 'latin1'), '1\n');
  });
});
