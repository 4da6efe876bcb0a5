import assert from 'node:assert/strict';
import { execFile as execFileCallback } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { getXattr, setXattr } from '@assay/linux/xattr';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import type { AuditEvent } from '../src/decision/contract.ts';
import type { Relabel } from '../src/decision/setup.ts';
import { deciderSetup } from './decision-support.ts';
import { openGate, watchdog } from './gate-support.ts';
import { eventually } from './support.ts';

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 120_000 };
const execFile = promisify(execFileCallback);

/**
 * Runs a program with arguments from a shell: this process must not wait for an exec that it is to answer itself.
 * @returns whether it ended well
 */
async function runs(program: string, ...args: string[]): Promise<boolean> {
  try {
    await execFile('/bin/sh', ['-c', '"$0" "$@"', program, ...args], { timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

function sha256Label(path: string): string {
  return `0404${toHex(nodeHasher.digest('sha256', readFileSync(path)))}`;
}

function labelOf(path: string): string {
  return toHex(getXattr(utf8(path), 'security.ima') ?? new Uint8Array());
}

const EXECUTIONS = 'appraise func=BPRM_CHECK\n';
const OPENINGS = `${EXECUTIONS}appraise func=FILE_CHECK fowner=0\n`;

interface Running {
  readonly mount: string;
  readonly audits: readonly AuditEvent[];
}

/** Enforces on a file system with two shells of other content than that of the machine: one of them is the updater. */
async function enforcing(
  { relabel, policy = OPENINGS }: { readonly relabel: Relabel; readonly policy?: string },
  run: (running: Running) => Promise<void>,
): Promise<void> {
  using mount = mountExt4();
  mkdirSync(join(mount.path, 'bin'));
  for (const name of ['updater', 'other']) copyFileSync(realpathSync('/bin/sh'), join(mount.path, 'bin', name));
  appendFileSync(join(mount.path, 'bin/updater'), 'u');
  appendFileSync(join(mount.path, 'bin/other'), 'o');
  for (const name of ['updater', 'other']) {
    const path = join(mount.path, 'bin', name);
    setXattr(utf8(path), 'security.ima', Buffer.from(sha256Label(path), 'hex'));
  }
  const path = join(mount.path, 'bin/updater');
  const updaters = [{ path, digest: toHex(nodeHasher.digest('sha256', readFileSync(path))) }];
  const decider = { ...deciderSetup({ policy }), updaters, relabel };
  // However busy the machine is, nothing passes because its verdict comes too late.
  await using gate = await openGate([mount.path], decider, { answerLimit: 60_000 });
  await run({ mount: mount.path, audits: gate.audits });
}

/** Unpacks a program beside its place, moves it there and runs it: what dpkg does with a package and its script. */
const INSTALL = 'cp /bin/true "$0/new.tmp" && chmod 755 "$0/new.tmp" && mv "$0/new.tmp" "$0/new" && "$0/new"';

test(
  'what an updater installs gets labels as it is closed, runs at once, and runs afterwards for everybody',
  LIMIT,
  async () => {
    await enforcing({ relabel: 'updaters' }, async ({ mount, audits }) => {
      assert.equal(await runs(join(mount, 'bin/updater'), '-c', INSTALL, mount), true);
      const installed = join(mount, 'new');
      assert.equal(labelOf(installed), sha256Label('/bin/true'));
      assert.equal(await runs('/bin/sh', '-c', '"$0"', installed), true);
      await eventually('the transaction is in the records', () => audits.some(({ kind }) => kind === 'updater'));
    });
  },
);

test(
  'what another program installs gets no label, where labels are left to updaters, and is refused',
  LIMIT,
  async () => {
    await enforcing({ relabel: 'updaters' }, async ({ mount }) => {
      assert.equal(await runs(join(mount, 'bin/other'), '-c', INSTALL, mount), false);
      assert.equal(labelOf(join(mount, 'new')), '');
      assert.equal(await runs(join(mount, 'new')), false);
    });
  },
);

test(
  'what a process below an updater wrote and left behind as it ended runs afterwards, where executions alone are appraised',
  LIMIT,
  async () => {
    await enforcing({ relabel: 'updaters', policy: EXECUTIONS }, async ({ mount }) => {
      const script = 'i=0; while [ $i -lt 40 ]; do cp /bin/true "$0/made$i" & i=$((i+1)); done; wait';
      assert.equal(await runs(join(mount, 'bin/updater'), '-c', script, mount), true);
      for (let index = 0; index < 40; index++) {
        assert.equal(await runs('/bin/sh', '-c', '"$0"', join(mount, `made${index}`)), true, String(index));
      }
    });
  },
);

test('an updater that replaces itself goes on to count', LIMIT, async () => {
  await enforcing({ relabel: 'updaters', policy: EXECUTIONS }, async ({ mount, audits }) => {
    const updater = join(mount, 'bin/updater');
    const replace = 'cp "$1" "$0.dpkg-new" && echo next >>"$0.dpkg-new" && mv "$0.dpkg-new" "$0"';
    assert.equal(await runs(updater, '-c', replace, updater, realpathSync('/bin/sh')), true);
    assert.equal(await runs(updater, '-c', INSTALL, mount), true);
    assert.equal(await runs(join(mount, 'new')), true);
    await eventually('it is in the records', () => audits.some(({ cause }) => cause === 'new-updater'));
  });
});

test('a program that was changed is refused to an updater, too, and stays so', LIMIT, async () => {
  await enforcing({ relabel: 'updaters', policy: EXECUTIONS }, async ({ mount }) => {
    const other = join(mount, 'bin/other');
    const label = labelOf(other);
    appendFileSync(other, 'changed');
    assert.equal(await runs(join(mount, 'bin/updater'), '-c', '"$0" -c true', other), false);
    assert.equal(await runs(other, '-c', 'true'), false);
    assert.equal(labelOf(other), label);
  });
});

test('an updater of the right digest in a user namespace does not count', LIMIT, async () => {
  await enforcing({ relabel: 'updaters' }, async ({ mount }) => {
    const words = ['--user', '--map-root-user', join(mount, 'bin/updater'), '-c', INSTALL, mount];
    assert.equal(await runs('unshare', ...words), false);
  });
});

test(
  'who writes a file gives it a new label as it is closed, as in the kernel; opening it changes nothing',
  LIMIT,
  async () => {
    await enforcing({ relabel: 'writers' }, async ({ mount }) => {
      const file = join(mount, 'file');
      assert.equal(await runs('/bin/sh', '-c', 'echo one >"$0"', file), true);
      await eventually('the new file has a label', () => labelOf(file) === sha256Label(file));
      assert.equal(await runs('/bin/sh', '-c', 'echo two >>"$0" && cat "$0"', file), true);
      await eventually('the label is that of the content', () => labelOf(file) === sha256Label(file));
      const wrong = Buffer.from(sha256Label(file), 'hex').toReversed();
      wrong.set([4, 4]);
      setXattr(utf8(file), 'security.ima', wrong);
      assert.equal(await runs('/bin/sh', '-c', 'exec 3>>"$0"', file), false);
      assert.equal(labelOf(file), toHex(wrong));
    });
  },
);
