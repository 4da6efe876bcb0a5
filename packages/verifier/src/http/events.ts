import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FleetEvent, ServerEvent } from '@assay/wire';
import type { FastifyReply } from 'fastify';
import type { Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';

const HEARTBEAT_MILLISECONDS = 15_000;
const HEARTBEAT = ': heartbeat\n\n';
/** Pages of many hosts are told once a second, however many rounds there are. */
const LINES_REST_MILLISECONDS = 1000;
/** How long a browser waits before it connects again. */
const RETRY_MILLISECONDS = 2000;
const LISTENER_LIMIT = 256;
/** Of these one person, token or address may have so many: what one opens leaves room for others. */
const OWN_LISTENER_LIMIT = 64;
/** How long after the end of a session or token its listeners are cut off, at most, beside the time of the question. */
const ADMISSION_MILLISECONDS = 1000;
/** A listener that lets this many bytes pile up is cut off; it connects again and reads the present state. */
const BACKLOG_LIMIT = 8 * 1024 * 1024;

interface Listener {
  /** Who listens: a person or token by name, else an address. */
  readonly who: string;
  /** Asks whether who listens still may; null where everybody may. @throws RequestProblem */
  readonly admitAgain: (() => Promise<void>) | null;
}

/**
 * Listeners of one form of `/v1/events` (server-sent events, WHATWG HTML section 9.2). What changes while they are being
 * told is told with what follows, once.
 */
class Listeners<Event extends { readonly type: string }> {
  readonly #responses = new Map<ServerResponse, Listener>();
  readonly #eventsOf: (changes: readonly Change[]) => Promise<readonly Event[]>;
  readonly #restMilliseconds: number;
  readonly #untold = new Map<string, Change>();
  readonly #closing = new AbortController();
  #telling: Promise<void> | null = null;

  /**
   * @param eventsOf reads what is told of changes; never fails
   * @param restMilliseconds from one telling to the next, at least
   */
  constructor(eventsOf: (changes: readonly Change[]) => Promise<readonly Event[]>, restMilliseconds = 0) {
    this.#eventsOf = eventsOf;
    this.#restMilliseconds = restMilliseconds;
  }

  get size(): number {
    return this.#responses.size;
  }

  sizeOf(who: string): number {
    return [...this.#responses.values()].filter((listener) => listener.who === who).length;
  }

  add(response: ServerResponse, listener: Listener): void {
    response.on('close', () => this.#responses.delete(response));
    this.#responses.set(response, listener);
  }

  /** Ends the streams of those who may not listen any more. A store that does not answer tells nothing, and ends none. */
  async admitAgain(): Promise<void> {
    for (const [response, { admitAgain }] of this.#responses) {
      await admitAgain?.().catch((error: unknown) => {
        if (error instanceof RequestProblem) response.end();
      });
    }
  }

  publish(changes: readonly Change[]): void {
    if (this.#responses.size === 0) return;
    for (const change of changes) this.#untold.set(JSON.stringify(change), change);
    if (this.#telling === null && this.#untold.size > 0) {
      this.#telling = this.#tell().finally(() => {
        this.#telling = null;
      });
    }
  }

  send(text: string): void {
    for (const response of this.#responses.keys()) {
      if (response.writableLength > BACKLOG_LIMIT) response.destroy();
      else response.write(text);
    }
  }

  async close(): Promise<void> {
    for (const response of this.#responses.keys()) response.end();
    this.#untold.clear();
    this.#closing.abort();
    await this.#telling;
  }

  async #tell(): Promise<void> {
    while (this.#untold.size > 0) {
      const changes = [...this.#untold.values()];
      this.#untold.clear();
      const events = await this.#eventsOf(changes);
      this.send(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
      if (this.#restMilliseconds > 0) await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    // Ends early when the service does.
    await delay(this.#restMilliseconds, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

export type EventForm = 'whole' | 'lines';

/** Reads what is told of changes, in either form; neither fails. */
export interface EventReaders {
  readonly whole: (changes: readonly Change[]) => Promise<readonly ServerEvent[]>;
  readonly lines: (changes: readonly Change[]) => Promise<readonly FleetEvent[]>;
}

/** The listeners of `/v1/events`. */
export class EventStreams {
  readonly #heartbeat: NodeJS.Timeout;
  #closing = false;
  #admission: NodeJS.Timeout;
  readonly #listeners: { readonly whole: Listeners<ServerEvent>; readonly lines: Listeners<FleetEvent> };

  constructor({ whole, lines }: EventReaders) {
    this.#listeners = { whole: new Listeners(whole), lines: new Listeners(lines, LINES_REST_MILLISECONDS) };
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MILLISECONDS);
    this.#heartbeat.unref();
    this.#admission = this.#admitLater();
  }

  /** Takes the connection over. @throws RequestProblem REQUEST-TOO-MANY, VERIFIER-STOPPING */
  open(reply: FastifyReply, form: EventForm, listener: Listener): void {
    // One that came now would keep the service from ending.
    if (this.#closing) throw new RequestProblem('VERIFIER-STOPPING', 'No more listeners are taken.');
    this.#requireRoom(listener.who);
    // Nothing is asked on this connection afterwards; kept for that, it would keep a verifier that ends waiting.
    reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store').header('connection', 'close');
    const headers = reply.getHeaders();
    reply.hijack();
    const response = reply.raw;
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    response.writeHead(200);
    response.write(`retry: ${RETRY_MILLISECONDS}\n\n`);
    this.#listeners[form].add(response, listener);
  }

  #requireRoom(who: string): void {
    const { whole, lines } = this.#listeners;
    if (whole.sizeOf(who) + lines.sizeOf(who) >= OWN_LISTENER_LIMIT) {
      const detail = `${who} listens ${OWN_LISTENER_LIMIT} times already, the most that one may: close a page or program that does.`;
      throw new RequestProblem('REQUEST-TOO-MANY', detail);
    }
    if (whole.size + lines.size >= LISTENER_LIMIT) {
      throw new RequestProblem('REQUEST-TOO-MANY', `${LISTENER_LIMIT} listeners are connected already.`);
    }
  }

  publish(changes: readonly Change[]): void {
    this.#listeners.whole.publish(changes);
    this.#listeners.lines.publish(changes);
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#admission);
    await Promise.all([this.#listeners.whole.close(), this.#listeners.lines.close()]);
  }

  #admitLater(): NodeJS.Timeout {
    return setTimeout(() => void this.#admitAll(), ADMISSION_MILLISECONDS).unref();
  }

  async #admitAll(): Promise<void> {
    await this.#listeners.whole.admitAgain();
    await this.#listeners.lines.admitAgain();
    if (!this.#closing) this.#admission = this.#admitLater();
  }

  #beat(): void {
    this.#listeners.whole.send(HEARTBEAT);
    this.#listeners.lines.send(HEARTBEAT);
  }
}
