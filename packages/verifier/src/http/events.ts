import type { ServerResponse } from 'node:http';
import type { ServerEvent } from '@assay/wire';
import type { FastifyReply } from 'fastify';
import { RequestProblem } from '../problem.ts';

const HEARTBEAT_MILLISECONDS = 15_000;
/** How long a browser waits before it connects again. */
const RETRY_MILLISECONDS = 2000;
const LISTENER_LIMIT = 256;
/** A listener that lets this many bytes pile up is cut off; it connects again and reads the present state. */
const BACKLOG_LIMIT = 8 * 1024 * 1024;

/** The listeners of `/v1/events` (server-sent events, WHATWG HTML section 9.2). */
export class EventStreams {
  readonly #listeners = new Set<ServerResponse>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor() {
    this.#heartbeat = setInterval(() => this.#send(': heartbeat\n\n'), HEARTBEAT_MILLISECONDS);
    this.#heartbeat.unref();
  }

  /** Takes the connection over. @throws RequestProblem REQUEST-TOO-MANY */
  open(reply: FastifyReply): void {
    if (this.#listeners.size >= LISTENER_LIMIT) {
      throw new RequestProblem('REQUEST-TOO-MANY', `${LISTENER_LIMIT} listeners are connected already.`);
    }
    reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store');
    const headers = reply.getHeaders();
    reply.hijack();
    const response = reply.raw;
    response.on('close', () => this.#listeners.delete(response));
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    response.writeHead(200);
    response.write(`retry: ${RETRY_MILLISECONDS}\n\n`);
    this.#listeners.add(response);
  }

  publish(events: readonly ServerEvent[]): void {
    if (this.#listeners.size === 0) return;
    this.#send(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const listener of this.#listeners) listener.end();
  }

  #send(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.writableLength > BACKLOG_LIMIT) listener.destroy();
      else listener.write(text);
    }
  }
}
