import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { ServiceListener } from '@assay/testkit/service';
import { startSwtpm } from '@assay/testkit/swtpm';
import { assay, scratch } from './assay.ts';
import { engineProcesses, startService } from './engine-service-support.ts';
import { until } from './engine-support.ts';

const LIMIT = { skip: cannotMount() ?? false, timeout: 240_000 };

/** Whether a program runs, by a shell that waits in its place. */
function runs(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', 'exec "$0"', path], { timeout: 120_000 }, (error) => resolve(error === null));
  });
}

async function setting(t: TestContext): Promise<{ readonly mount: string; readonly words: readonly string[] }> {
  const swtpm = await startSwtpm();
  t.after(() => swtpm.stop());
  const mount = mountExt4();
  t.after(() => mount[Symbol.dispose]());
  for (const name of ['good', 'bare']) copyFileSync('/bin/true', join(mount.path, name));
  const hashed = await assay(['file', 'hash', join(mount.path, 'good')]);
  assert.equal(hashed.code, 0, hashed.stderr);
  const policy = join(scratch(t), 'policy');
  writeFileSync(policy, 'appraise func=BPRM_CHECK\n');
  const where = ['--watch', mount.path, '--policy', policy, '--directory', join(scratch(t), 'engine')];
  const how = ['--tpm', `swtpm:unix:${swtpm.socketPath}`, '--mode', 'enforce', '--confirm-within', '1h'];
  return { mount: mount.path, words: [...where, ...how] };
}

/** A process that is stopped: it must not react to the end of another one. */
function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
}

describe('the engine as a service', () => {
  test('tells systemd when it answers, that it goes on answering, and when it ends', LIMIT, async (t) => {
    const { mount, words } = await setting(t);
    using listener = new ServiceListener();
    const service = startService(words, { NOTIFY_SOCKET: listener.path, WATCHDOG_USEC: '3000000' });
    try {
      await listener.hears('READY=1');
      assert.deepEqual([await runs(join(mount, 'good')), await runs(join(mount, 'bare'))], [true, false]);
      await listener.hears('WATCHDOG=1');
    } finally {
      service.child.kill('SIGTERM');
      await service.ended;
    }
    await listener.hears('STOPPING=1');
    assert.equal(
      listener.heard.some(({ descriptors }) => descriptors.length > 0),
      false,
      'nothing is kept open',
    );
    assert.equal(await runs(join(mount, 'bare')), true);
  });

  test(
    'what is opened while engine and supervisor are dead waits for the next ones, and is refused',
    LIMIT,
    async (t) => {
      const { mount, words } = await setting(t);
      using listener = new ServiceListener();
      const environment = { NOTIFY_SOCKET: listener.path, WATCHDOG_USEC: '3000000' };
      const supervised = [...words, '--supervise', 'closed'];
      const first = startService(supervised, environment);
      t.after(() => first.child.kill('SIGKILL'));
      await listener.hears('READY=1');
      await listener.hears('WATCHDOG=1');
      const { lines, descriptors } = await listener.hears('FDSTORE=1');
      const name = lines.find((line) => line.startsWith('FDNAME='))?.slice('FDNAME='.length);
      assert.equal(name, 'fanotify-processes');
      assert.match(first.output, /systemctl stop assay-engine/);
      const processes = engineProcesses(`NOTIFY_SOCKET=${listener.path}`);
      const [supervisor = 0] = processes.flatMap(({ pid, role }) => (role === 'supervisor' ? [pid] : []));
      const [engine = 0] = processes.flatMap(({ pid, role }) => (role === 'engine' ? [pid] : []));
      assert.equal(supervisor, first.child.pid);
      assert.equal(processes.length, 2);
      assert.ok(engine > 0);
      // What systemd was told holds: nothing is opened unasked any more.
      assert.match(readFileSync(`/proc/self/fdinfo/${descriptors[0]}`, 'latin1'), /^fanotify sdev:/m);
      process.kill(supervisor, 'SIGSTOP');
      await until('the supervisor is stopped', () => isStopped(supervisor));
      process.kill(engine, 'SIGKILL');
      process.kill(supervisor, 'SIGKILL');
      await first.ended;
      const waiting = runs(join(mount, 'bare'));
      listener.heard.splice(0);
      const kept = { ...environment, LISTEN_FDS: '1', LISTEN_FDNAMES: name };
      const second = startService(supervised, kept, descriptors[0]);
      try {
        assert.equal(await waiting, false, 'it waited, and nobody let it go');
        await listener.hears('READY=1');
        assert.deepEqual([await runs(join(mount, 'good')), await runs(join(mount, 'bare'))], [true, false]);
      } finally {
        second.child.kill('SIGTERM');
        await second.ended;
        for (const fd of descriptors) closeSync(fd);
      }
      await listener.hears('FDSTOREREMOVE=1');
      assert.equal(await runs(join(mount, 'bare')), true);
    },
  );
});
