import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { concat } from '@assay/core/bytes';
import {
  controlSocket,
  parseRequest,
  REQUEST_LIMIT,
  type ControlAnswer,
  type ControlRequest,
  type RunningStatus,
} from './protocol.ts';

const NEWLINE = 0x0a;
/** Who connects and asks nothing. */
const IDLE_MS = 5000;

/**
 * Answers requests on the socket `control` in the directory of an engine, which its owner alone may enter.
 * @param handle may throw; the message is the answer then
 * @returns how to end it
 */
export async function serveControl(
  directory: string,
  handle: (request: ControlRequest) => RunningStatus | Promise<RunningStatus>,
): Promise<() => Promise<void>> {
  const path = controlSocket(directory);
  // The lock on the directory says that no other engine listens; what is there is left over.
  rmSync(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, handle);
  });
  server.listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o600);
  return async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
    rmSync(path, { force: true });
  };
}

function serve(socket: Socket, handle: Parameters<typeof serveControl>[1]): void {
  let received: Uint8Array = new Uint8Array();
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (part: Buffer) => {
    received = concat([received, part]);
    const end = received.indexOf(NEWLINE);
    if (end < 0 && received.length <= REQUEST_LIMIT) return;
    socket.pause();
    socket.setTimeout(0);
    void answerTo(received.subarray(0, end), handle).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
  });
}

async function answerTo(line: Uint8Array, handle: Parameters<typeof serveControl>[1]): Promise<ControlAnswer> {
  try {
    return { done: true, status: await handle(parseRequest(line)) };
  } catch (error) {
    return { done: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
