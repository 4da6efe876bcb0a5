import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { address, load } from 'koffi';

const libc = load(null);
const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);
const bind: (fd: number, name: Uint8Array, length: number) => number = libc.func(
  'int bind(int fd, const void *address, unsigned int length)',
);
const recvmsg: (fd: number, message: bigint, flags: number) => number = libc.func(
  'intptr_t recvmsg(int fd, uintptr_t message, int flags)',
);

/** include/linux/socket.h */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const LONGEST = 4096;
const CONTROL = 256;
const HEADER = 16;

/** One datagram: its lines, and the descriptors that came with it. */
export interface Notification {
  readonly lines: readonly string[];
  readonly descriptors: readonly number[];
}

/** The socket on which a service manager hears its services (sd_notify(3)), descriptors included. Use it with `using`. */
export class ServiceListener implements Disposable {
  readonly path: string;
  /** What has come. */
  readonly heard: Notification[] = [];
  readonly #directory: string;
  readonly #fd: number;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'notify-'));
    this.path = join(this.#directory, 'socket');
    const name = Buffer.alloc(2 + this.path.length);
    name.writeUInt16LE(AF_UNIX, 0);
    name.write(this.path, 2, 'latin1');
    this.#fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (this.#fd < 0 || bind(this.#fd, name, name.length) < 0) throw new Error(`no socket at ${this.path}`);
  }

  /** @returns the first notification with this line; @throws Error after a minute */
  async hears(line: string): Promise<Notification> {
    for (const end = Date.now() + 60_000; Date.now() < end; await delay(10)) {
      this.#receive();
      const found = this.heard.find(({ lines }) => lines.includes(line));
      if (found !== undefined) return found;
    }
    throw new Error(`${line} was not heard within a minute`);
  }

  /** Takes out what has come; the descriptors are the caller's. */
  take(): Notification[] {
    this.#receive();
    return this.heard.splice(0);
  }

  [Symbol.dispose](): void {
    this.#receive();
    for (const { descriptors } of this.heard) for (const fd of descriptors) closeSync(fd);
    closeSync(this.#fd);
    rmSync(this.#directory, { recursive: true });
  }

  #receive(): void {
    for (;;) {
      const [text, control] = [Buffer.alloc(LONGEST), Buffer.alloc(CONTROL)];
      const [vector, message] = [Buffer.alloc(16), Buffer.alloc(56)];
      vector.writeBigUInt64LE(address(text), 0);
      vector.writeBigUInt64LE(BigInt(LONGEST), 8);
      message.writeBigUInt64LE(address(vector), 16);
      message.writeBigUInt64LE(1n, 24);
      message.writeBigUInt64LE(address(control), 32);
      message.writeBigUInt64LE(BigInt(CONTROL), 40);
      const length = recvmsg(this.#fd, address(message), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (length < 0) return;
      const controlLength = Number(message.readBigUInt64LE(40));
      const lines = text.toString('utf8', 0, length).split('\n');
      this.heard.push({ lines, descriptors: descriptorsIn(control.subarray(0, controlLength)) });
    }
  }
}

function descriptorsIn(control: Buffer): number[] {
  if (control.length < HEADER) return [];
  const count = (Number(control.readBigUInt64LE(0)) - HEADER) / 4;
  return Array.from({ length: count }, (_, index) => control.readInt32LE(HEADER + 4 * index));
}
