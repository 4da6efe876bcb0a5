import type { ServerResponse } from 'node:http';
import type { ServerEvent } from '@assay/wire';
import type { FastifyReply } from 'fastify';
import type { Change } from '../news/news.ts';
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
  readonly #eventsOf: (changes: readonly Change[]) => Promise<ServerEvent[]>;
  readonly #untold = new Map<string, Change>();
  #telling: Promise<void> | null = null;

  /** @param eventsOf reads what is told of changes; never fails */
  constructor(eventsOf: (changes: readonly Change[]) => Promise<ServerEvent[]>) {
    this.#eventsOf = eventsOf;
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

  /** What changes while others are being told is told with them, once. */
  publish(changes: readonly Change[]): void {
    if (this.#listeners.size === 0) return;
    for (const change of changes) this.#untold.set(JSON.stringify(change), change);
    if (this.#telling === null && this.#untold.size > 0) {
      this.#telling = this.#tell().finally(() => {
        this.#telling = null;
      });
    }
  }

  async #tell(): Promise<void> {
    while (this.#untold.size > 0) {
      const changes = [...this.#untold.values()];
      this.#untold.clear();
      const events = await this.#eventsOf(changes);
      this.#send(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    for (const listener of this.#listeners) listener.end();
    this.#untold.clear();
    await this.#telling;
  }

  #send(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.writableLength > BACKLOG_LIMIT) listener.destroy();
      else listener.write(text);
    }
  }
}
