import assert from 'node:assert/strict';
import { close, closeSync, constants, openSync, read, writeSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { openTpmDevice, Tpm, type TpmTransport } from '@assay/linux/tpm';
import { SimulatedTpm } from '@assay/testkit/tpm';
import { load } from 'koffi';

const libc = load(null);
const posixOpenpt: (flags: number) => number = libc.func('int posix_openpt(int flags)');
const grantpt: (fd: number) => number = libc.func('int grantpt(int fd)');
const unlockpt: (fd: number) => number = libc.func('int unlockpt(int fd)');
const ptsnameR: (fd: number, name: Buffer, size: number) => number = libc.func(
  'int ptsname_r(int fd, _Out_ char *name, size_t size)',
);
const tcgetattr: (fd: number, termios: Buffer) => number = libc.func('int tcgetattr(int fd, _Out_ void *termios)');
const cfmakeraw: (termios: Buffer) => void = libc.func('void cfmakeraw(_Inout_ void *termios)');
const tcsetattr: (fd: number, when: number, termios: Buffer) => number = libc.func(
  'int tcsetattr(int fd, int when, const void *termios)',
);

/**
 * A character device with a TPM behind it: a pseudo-terminal that changes no byte. Like the kernel's TPM device it is
 * written and read through one descriptor, and a read waits for the response.
 */
async function deviceFor(tpm: TpmTransport): Promise<{ path: string; remove(): Promise<void> }> {
  const main = posixOpenpt(constants.O_RDWR | constants.O_NOCTTY);
  assert.ok(main >= 0 && grantpt(main) === 0 && unlockpt(main) === 0, 'pseudo-terminals need /dev/ptmx and /dev/pts');
  const name = Buffer.alloc(64);
  assert.equal(ptsnameR(main, name, name.length), 0);
  const path = name.toString('latin1', 0, name.indexOf(0));
  const keptOpen = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  const termios = Buffer.alloc(256);
  assert.equal(tcgetattr(keptOpen, termios), 0);
  cfmakeraw(termios);
  assert.equal(tcsetattr(keptOpen, 0, termios), 0);
  const served = serve(main, tpm);
  return {
    path,
    async remove() {
      closeSync(keptOpen); // The last one to be closed: what waits for a command is told that no one is left.
      await served;
      await promisify(close)(main);
    },
  };
}

async function serve(main: number, tpm: TpmTransport): Promise<void> {
  const buffer = Buffer.alloc(4096);
  for (;;) {
    const { bytesRead } = await promisify(read)(main, buffer, 0, buffer.length, null).catch(() => ({ bytesRead: 0 }));
    if (bytesRead === 0) return;
    writeSync(main, await tpm.send(Uint8Array.from(buffer.subarray(0, bytesRead))));
  }
}

describe('openTpmDevice', () => {
  test('writes a command and reads its response through one descriptor', async () => {
    const device = await deviceFor(new SimulatedTpm());
    const tpm = new Tpm(await openTpmDevice(device.path));
    try {
      assert.match(tpm.description, new RegExp(`TPM device ${device.path}`));
      await tpm.startup();
      const ek = await tpm.createEndorsementKey();
      const blobs = await tpm.createAttestationKey(ek.handle);
      const ak = await tpm.loadAttestationKey(ek.handle, blobs);
      const quoted = await tpm.quote(ak.handle, new Uint8Array(32), [{ bank: 'sha256', pcrs: [10] }]);
      assert.equal(quoted.message.length, 145);
      const many = await Promise.all(Array.from({ length: 30 }, () => tpm.random(16)));
      assert.equal(new Set(many.map((bytes) => Buffer.from(bytes).toString('hex'))).size, 30);
    } finally {
      await tpm.close();
      await device.remove();
    }
  });

  test('lets one client at a time talk to a device that all share: the second waits for the first', async (t) => {
    const device = await deviceFor(new SimulatedTpm());
    const first = await openTpmDevice(device.path);
    await assert.rejects(openTpmDevice(device.path, { lockLimitMs: 50 }), {
      code: 'TPM-UNREACHABLE',
      message: /another client has had it for 50 ms/,
    });
    const order: string[] = [];
    const second = openTpmDevice(device.path).then((transport) => {
      order.push('second');
      return transport;
    });
    await new Promise((resolve) => setTimeout(resolve, 60));
    order.push('first ends');
    await first.close();
    const tpm = new Tpm(await second);
    t.after(() => device.remove());
    await tpm.startup();
    await tpm.close();
    assert.deepEqual(order, ['first ends', 'second']);
  });

  test('says TPM-UNREACHABLE where there is no device', async () => {
    await assert.rejects(openTpmDevice('/dev/no-tpm-here'), { code: 'TPM-UNREACHABLE', message: /no-tpm-here/ });
  });

  test('says TPM-UNREACHABLE where the device gives no response', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'assay-device-'));
    t.after(() => rm(directory, { recursive: true }));
    const path = join(directory, 'not-a-device');
    await writeFile(path, '');
    const tpm = new Tpm(await openTpmDevice(path));
    t.after(() => tpm.close());
    await assert.rejects(tpm.startup(), { code: 'TPM-UNREACHABLE' });
  });
});
