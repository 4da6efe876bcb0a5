import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  FanotifyGroup,
  openPermissionGroup,
  PermissionGroup,
  type AskedEvent,
  type AskedEvents,
  type FanotifyEvent,
} from '@assay/linux/fanotify';
import { descriptorPath, Readiness } from '@assay/linux/files';
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
  const group = new FanotifyGroup();
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
  const group = new FanotifyGroup();
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

const EXECUTIONS = { opens: false, closes: false } as const;

/** A group that asks about executions on the mount. */
function askingGroup(path: string, events: AskedEvents = EXECUTIONS): PermissionGroup {
  const group = new PermissionGroup(openPermissionGroup(false));
  group.mark(path, events);
  return group;
}

function nextQuestion(group: PermissionGroup): AskedEvent {
  const readiness = new Readiness([group.fd]);
  for (const end = Date.now() + 5000; Date.now() < end; ) {
    readiness.wait(50);
    const [event] = readiness.isReady(0) ? group.read().events : [];
    if (event !== undefined) return event;
  }
  throw new Error('no event within 5 s');
}

/** A shell in between: this thread itself must not wait for the opening that it is to answer. */
function shell(command: string): Promise<unknown[]> {
  return once(spawn('/bin/sh', ['-c', command], { stdio: 'ignore' }), 'exit');
}

test('an execution waits until it is allowed', { skip, timeout: 120_000 }, async () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = askingGroup(mount.path);
  try {
    let isOver = false;
    const exited = shell(program).finally(() => {
      isOver = true;
    });
    const { fd, kind } = nextQuestion(group);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual([kind, isOver], ['exec', false]);
    assert.equal(group.answer(fd, true), true);
    assert.equal(group.answer(fd, true), false, 'nobody waits any more');
    group.release(fd);
    assert.deepEqual(await exited, [0, null]);
  } finally {
    group.close();
  }
});

test('an execution that is refused fails', { skip, timeout: 120_000 }, async () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = askingGroup(mount.path);
  try {
    const exited = shell(program);
    const { fd } = nextQuestion(group);
    group.answer(fd, false);
    group.release(fd);
    assert.deepEqual(await exited, [126, null], 'as a shell says that it may not');
  } finally {
    group.close();
  }
});

test('openings are asked about where the group wants them, and the closing of what was written is told', {
  skip,
  timeout: 120_000,
}, async () => {
  using mount = mountTmpfs();
  const group = askingGroup(mount.path, { opens: true, closes: true });
  try {
    const exited = shell(`echo content > ${mount.path}/file`);
    const opened = nextQuestion(group);
    group.answer(opened.fd, true);
    group.release(opened.fd);
    const closed = nextQuestion(group);
    group.release(closed.fd);
    assert.deepEqual([opened.kind, closed.kind, await exited], ['open', 'closed', [0, null]]);
  } finally {
    group.close();
  }
});

test('a file of more than 2 GiB can be asked about', { skip, timeout: 120_000 }, async () => {
  using mount = mountTmpfs();
  const path = join(mount.path, 'large');
  writeFileSync(path, '');
  truncateSync(path, 3 * 1024 ** 3);
  const group = askingGroup(mount.path, { opens: true, closes: false });
  try {
    const exited = shell(`: < ${path}`);
    const { fd } = nextQuestion(group);
    group.answer(fd, true);
    group.release(fd);
    assert.deepEqual(await exited, [0, null]);
  } finally {
    group.close();
  }
});

test('closing a group lets waiting executions go on', { skip, timeout: 120_000 }, async () => {
  using mount = mountTmpfs();
  const program = join(mount.path, 'true');
  copyFileSync('/bin/true', program);
  const group = askingGroup(mount.path);
  const exited = shell(program);
  group.release(nextQuestion(group).fd);
  group.close();
  assert.deepEqual(await exited, [0, null]);
});

test('a path that does not exist cannot be marked', { skip }, () => {
  const group = new FanotifyGroup();
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
    try { new FanotifyGroup(); } catch (error) { console.log(error.code, error.message); }`;
  const drop = ['--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const result = spawnSync('setpriv', [...drop, ...node], { encoding: 'utf8', cwd: import.meta.dirname });
  assert.match(result.stdout, /^NOT-PERMITTED fanotify_init: EPERM; it needs CAP_SYS_ADMIN/, result.stderr);
});
