import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FanotifyGroup, type FanotifyEvent } from '@assay/linux/fanotify';
import { descriptorPath } from '@assay/linux/files';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';

const skip = cannotMount() ?? false;

function nextEvent(group: FanotifyGroup): FanotifyEvent & { fd: number } {
  for (const end = Date.now() + 5000; Date.now() < end; ) {
    const [event] = group.read(50).events;
    if (event?.fd !== undefined) return { ...event, fd: event.fd };
  }
  throw new Error('no event within 5 s');
}

test('an execution on a marked file system is reported with its file and process', { skip }, async () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = new FanotifyGroup('notify');
  try {
    group.markFileSystem(mount.path);
    const child = spawn(program);
    await once(child, 'exit');
    const event = nextEvent(group);
    assert.equal(Buffer.from(descriptorPath(event.fd) ?? '').toString(), program);
    assert.equal(event.pid, child.pid);
    group.release(event);
    assert.deepEqual(group.read(0), { events: [], dropped: false });
  } finally {
    group.close();
  }
});

test('no execution is reported after the marks are taken away, and those before still are', { skip }, () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = new FanotifyGroup('notify');
  try {
    group.markFileSystem(mount.path);
    assert.equal(spawnSync(program).status, 0);
    group.unmarkAll();
    assert.equal(spawnSync(program).status, 0);
    group.release(nextEvent(group));
    assert.deepEqual(group.read(0).events, []);
  } finally {
    group.close();
  }
});

test('an execution waits in permission mode until it is allowed', { skip, timeout: 20_000 }, async () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = new FanotifyGroup('permission');
  try {
    group.markFileSystem(mount.path);
    // A shell in between: this thread itself must not wait for the exec that it is to allow.
    const child = spawn('/bin/sh', ['-c', program]);
    const exited = once(child, 'exit');
    const event = nextEvent(group);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(child.exitCode, null);
    group.allow(event);
    group.release(event);
    assert.deepEqual(await exited, [0, null]);
  } finally {
    group.close();
  }
});

test('closing a group lets waiting executions go on', { skip, timeout: 20_000 }, async () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = new FanotifyGroup('permission');
  group.markFileSystem(mount.path);
  const exited = once(spawn('/bin/sh', ['-c', program]), 'exit');
  group.release(nextEvent(group));
  group.close();
  assert.deepEqual(await exited, [0, null]);
});

test('a path that does not exist cannot be marked', { skip }, () => {
  const group = new FanotifyGroup('notify');
  try {
    assert.throws(() => group.markFileSystem('/no/such/path'), { code: 'SYSTEM-CALL', message: /ENOENT/ });
  } finally {
    group.close();
  }
});

test('without CAP_SYS_ADMIN the error names the capability', {
  skip: skip && 'dropping a capability needs root',
}, () => {
  const script = `
    import { FanotifyGroup } from '@assay/linux/fanotify';
    try { new FanotifyGroup('notify'); } catch (error) { console.log(error.code, error.message); }`;
  const drop = ['--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const result = spawnSync('setpriv', [...drop, ...node], { encoding: 'utf8', cwd: import.meta.dirname });
  assert.match(result.stdout, /^NOT-PERMITTED fanotify_init: EPERM; it needs CAP_SYS_ADMIN/, result.stderr);
});
