import { createConnection, type Socket } from 'node:net';
import { SystemError } from '@assay/core/errors';
import { MAX_MESSAGE } from '@assay/core/tpm';
import type { TpmTransport } from './transport.ts';

const HEADER = 10;

/**
 * A software TPM (swtpm) behind a unix socket: the TPM's own bytes, nothing around them. swtpm serves one connection
 * at a time, so the connection is closed as soon as no command follows; others can use the same TPM in between.
 * @throws SystemError TPM-UNREACHABLE where nothing listens there, NOT-PERMITTED
 */
export async function connectSwtpm(socketPath: string): Promise<TpmTransport> {
  const transport = new SwtpmTransport(socketPath);
  await transport.probe();
  return transport;
}

class SwtpmTransport implements TpmTransport {
  readonly description: string;
  readonly #path: string;
  /** Connection on which a command waits for its response. */
  #busy: Socket | null = null;
  /** Connection of a burst of commands, between two of them. */
  #idle: Socket | null = null;

  constructor(path: string) {
    this.description = `swtpm at ${path}`;
    this.#path = path;
  }

  /** Connects and lets go again. */
  async probe(): Promise<void> {
    this.#rest(await connect(this.#path));
  }

  async send(command: Uint8Array): Promise<Uint8Array> {
    this.#busy?.destroy(); // Its sender gave it up: swtpm serves nobody else until it is closed.
    const socket = this.#idle === null || this.#idle.destroyed ? await connect(this.#path) : this.#idle;
    this.#idle = null;
    this.#busy = socket;
    try {
      const response = await exchange(socket, command);
      this.#rest(socket);
      return response;
    } catch (error) {
      socket.destroy();
      throw unreachable(this.#path, error);
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

async function connect(path: string): Promise<Socket> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(unreachable(path, socket.errored));
    socket.on('error', () => undefined); // 'close' follows and tells who waits.
    socket.on('close', onClose).once('connect', () => {
      socket.off('close', onClose);
      resolve();
    });
  });
  return socket;
}

function exchange(socket: Socket, command: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let response = Buffer.alloc(0);
    const onClose = (): void => reject(socket.errored ?? new Error('the connection was closed'));
    const onData = (piece: Buffer): void => {
      response = Buffer.concat([response, piece]);
      if (response.length > MAX_MESSAGE)
        return void socket.destroy(new Error(`a response of more than ${MAX_MESSAGE} bytes`));
      if (response.length < HEADER || response.length < response.readUInt32BE(2)) return;
      socket.off('data', onData).off('close', onClose);
      resolve(response);
    };
    socket.on('data', onData).on('close', onClose);
    socket.write(command);
  });
}

function unreachable(path: string, cause: unknown): SystemError {
  if (cause instanceof SystemError) return cause;
  const denied = cause instanceof Error && 'code' in cause && cause.code === 'EACCES';
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SystemError(denied ? 'NOT-PERMITTED' : 'TPM-UNREACHABLE', `swtpm at ${path}: ${message}`, { cause });
}
