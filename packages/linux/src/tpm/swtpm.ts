import { createConnection, type Socket } from 'node:net';
import { SystemError } from '@assay/core/errors';
import { MAX_MESSAGE } from '@assay/core/tpm';
import type { TpmTransport } from './transport.ts';

const HEADER = 10;

/** The path of a unix socket, or a TCP port. */
export type SocketAddress = string | { readonly host: string; readonly port: number };

/**
 * A software TPM (swtpm) behind a socket: the TPM's own bytes, nothing around them. swtpm serves one connection at a
 * time, so the connection is closed as soon as no command follows; others can use the same TPM in between.
 * @throws SystemError TPM-UNREACHABLE where nothing listens there, NOT-PERMITTED
 */
export async function connectSwtpm(address: SocketAddress): Promise<TpmTransport> {
  const transport = new SwtpmTransport(address);
  await transport.probe();
  return transport;
}

class SwtpmTransport implements TpmTransport {
  readonly description: string;
  readonly #address: SocketAddress;
  /** Connection on which a command waits for its response. */
  #busy: Socket | null = null;
  /** Connection of a burst of commands, between two of them. */
  #idle: Socket | null = null;

  constructor(address: SocketAddress) {
    this.description = `swtpm at ${textOf(address)}`;
    this.#address = address;
  }

  /** Connects and lets go again. */
  async probe(): Promise<void> {
    this.#rest(await connect(this.#address));
  }

  async send(command: Uint8Array): Promise<Uint8Array> {
    this.#busy?.destroy(); // Its sender gave it up: swtpm serves nobody else until it is closed.
    const socket = this.#idle === null || this.#idle.destroyed ? await connect(this.#address) : this.#idle;
    this.#idle = null;
    this.#busy = socket;
    try {
      const response = await exchange(socket, command);
      this.#rest(socket);
      return response;
    } catch (error) {
      socket.destroy();
      throw unreachable(this.#address, error);
    } finally {
      if (this.#busy === socket) this.#busy = null;
    }
  }

  async close(): Promise<void> {
    this.#busy?.destroy();
    this.#idle?.destroy();
  }

  /** Closes in the next turn of the loop: a command of the same burst is sent before that. */
  #rest(socket: Socket): void {
    this.#idle = socket;
    setImmediate(() => {
      if (this.#idle !== socket) return;
      this.#idle = null;
      socket.destroy();
    });
  }
}

/** @throws SystemError TPM-UNREACHABLE, NOT-PERMITTED */
export async function connect(address: SocketAddress): Promise<Socket> {
  const socket = typeof address === 'string' ? createConnection(address) : createConnection(address.port, address.host);
  await new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(unreachable(address, socket.errored));
    socket.on('error', () => undefined); // 'close' follows and tells who waits.
    socket.on('close', onClose).once('connect', () => {
      socket.off('close', onClose);
      resolve();
    });
  });
  return socket;
}

/** Writes, and gathers what comes until `sizeOf` knows how much it is and all of it is there. */
export function ask(
  socket: Socket,
  question: Uint8Array,
  sizeOf: (bytes: Buffer) => number | undefined,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const onClose = (): void => reject(socket.errored ?? new Error('the connection was closed'));
    const onData = (piece: Buffer): void => {
      answer = Buffer.concat([answer, piece]);
      if (answer.length > MAX_MESSAGE)
        return void socket.destroy(new Error(`an answer of more than ${MAX_MESSAGE} bytes`));
      const size = sizeOf(answer);
      if (size === undefined || answer.length < size) return;
      socket.off('data', onData).off('close', onClose);
      resolve(answer);
    };
    socket.on('data', onData).on('close', onClose);
    socket.write(question);
  });
}

function exchange(socket: Socket, command: Uint8Array): Promise<Uint8Array> {
  return ask(socket, command, (bytes) => (bytes.length < HEADER ? undefined : bytes.readUInt32BE(2)));
}

function textOf(address: SocketAddress): string {
  return typeof address === 'string' ? address : `${address.host}:${address.port}`;
}

export function unreachable(address: SocketAddress, cause: unknown): SystemError {
  if (cause instanceof SystemError) return cause;
  const denied = cause instanceof Error && 'code' in cause && cause.code === 'EACCES';
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = denied ? 'NOT-PERMITTED' : 'TPM-UNREACHABLE';
  return new SystemError(code, `swtpm at ${textOf(address)}: ${message}`, { cause });
}
