import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serviceManager } from '@assay/linux/service';
import { ServiceListener } from '@assay/testkit/service';

const pid = String(process.pid);

describe('a service manager', () => {
  test('hears what a service says, and gets its descriptors as descriptors of its own', async () => {
    using listener = new ServiceListener();
    const manager = serviceManager({ NOTIFY_SOCKET: listener.path, SYSTEMD_EXEC_PID: pid });
    assert.ok(manager !== undefined);
    const file = fileURLToPath(import.meta.url);
    const fd = openSync(file, 'r');
    manager.tell('READY=1\nSTATUS=so');
    manager.keep('a-file', fd);
    manager.forget('a-file');
    assert.deepEqual(await listener.hears('READY=1'), { lines: ['READY=1', 'STATUS=so'], descriptors: [] });
    const { lines, descriptors } = await listener.hears('FDSTORE=1');
    closeSync(fd);
    assert.deepEqual(lines, ['FDSTORE=1', 'FDNAME=a-file']);
    assert.equal(descriptors.length, 1);
    assert.equal(fstatSync(descriptors[0] ?? -1).ino, statSync(file).ino);
    await listener.hears('FDSTOREREMOVE=1');
  });

  test('hands back what was kept, by its name, to the process that it means', () => {
    const environment = { NOTIFY_SOCKET: '/none', LISTEN_PID: pid, LISTEN_FDS: '2', LISTEN_FDNAMES: 'one:two' };
    const manager = serviceManager(environment);
    assert.deepEqual(
      ['one', 'two', 'three'].map((name) => manager?.kept(name)),
      [3, 4, undefined],
    );
    assert.equal(manager?.keepsDescriptors, false);
    for (const other of [{ LISTEN_PID: '1' }, { LISTEN_FDS: '-1' }, { LISTEN_FDS: '0' }, { LISTEN_FDNAMES: '' }]) {
      assert.equal(serviceManager({ ...environment, ...other })?.kept('one'), undefined);
    }
  });

  test('says how often it wants to hear of the process that it means', () => {
    const watchdog = (more: NodeJS.ProcessEnv) => serviceManager({ NOTIFY_SOCKET: '@x', ...more })?.watchdog;
    assert.equal(watchdog({ WATCHDOG_USEC: '30000000' }), 30_000);
    assert.equal(watchdog({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: pid }), 30_000);
    assert.equal(watchdog({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }), undefined);
    for (const wrong of ['0', '', '-5', '1e3', '9'.repeat(30)])
      assert.equal(watchdog({ WATCHDOG_USEC: wrong }), undefined);
  });

  test('is none without a socket, and one that does not listen is an error', () => {
    for (const socket of [undefined, '', 'relative', '/']) {
      const environment = socket === undefined ? {} : { NOTIFY_SOCKET: socket };
      assert.equal(serviceManager(environment), undefined, socket);
    }
    const manager = serviceManager({ NOTIFY_SOCKET: '/none/there' });
    assert.throws(() => manager?.tell('READY=1'), { name: 'SystemError', code: 'SYSTEM-CALL' });
    assert.throws(() => serviceManager({ NOTIFY_SOCKET: `/${'x'.repeat(108)}` })?.tell('READY=1'), RangeError);
    assert.throws(() => manager?.keep('a\nb', 0), RangeError);
  });
});
