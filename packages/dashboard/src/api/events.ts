import type { ServerEvent } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { ApiProblem, isObject, request } from './documents.ts';
import { readEventStream, type StreamMessage } from './event-reader.ts';

/** `retryAt` and `since` are milliseconds of this browser's clock. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly since: number; readonly retryAt: number }
  /** The verifier answers, and wants the operator's token for it. */
  | { readonly state: 'refused' };

export interface EventHandlers {
  /** Called each time the stream opens: what happened while it was closed was not heard. */
  onOpen(): void;
  onEvent(event: ServerEvent): void;
}

const TYPES: readonly string[] = ['host', 'measurements', 'finding'] satisfies ServerEvent['type'][];

/** Events of types that a later verifier may add are none of this page's. */
function isServerEvent(value: unknown, type: string): value is ServerEvent {
  return isObject(value) && value['type'] === type && TYPES.includes(type);
}

const LONGEST_WAIT_SECONDS = 15;

/**
 * The stream of server-sent events, opened again when it breaks. EventSource would do for the reading, but it sends
 * no token, tells nobody when it will try again, and gives up for good after some errors.
 */
export class EventStream {
  private connection: Connection = { state: 'connecting' };
  private readonly listeners = new Set<() => void>();
  private readonly handlers: EventHandlers;
  private abort = new AbortController();
  private timer = 0;
  private failures = 0;

  constructor(handlers: EventHandlers) {
    this.handlers = handlers;
  }

  readonly current = (): Connection => this.connection;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Opens the stream, or opens it again at once. */
  readonly connect = (): void => {
    window.clearTimeout(this.timer);
    this.abort.abort();
    this.abort = new AbortController();
    void this.run(this.abort.signal);
  };

  private async run(signal: AbortSignal): Promise<void> {
    try {
      const { body } = await request(ROUTES.events, { signal });
      this.opened();
      if (body !== null) for await (const message of readEventStream(body)) this.heard(message);
      this.failed();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiProblem && error.problem.status === 401) this.become({ state: 'refused' });
      else this.failed();
    }
  }

  private opened(): void {
    this.failures = 0;
    this.become({ state: 'live' });
    this.handlers.onOpen();
  }

  private failed(): void {
    const wait = Math.min(2 ** this.failures, LONGEST_WAIT_SECONDS) * 1000;
    this.failures += 1;
    const now = Date.now();
    const since = this.connection.state === 'lost' ? this.connection.since : now;
    this.timer = window.setTimeout(this.connect, wait);
    this.become({ state: 'lost', since, retryAt: now + wait });
  }

  private heard({ type, data }: StreamMessage): void {
    const event: unknown = JSON.parse(data);
    if (isServerEvent(event, type)) this.handlers.onEvent(event);
  }

  private become(connection: Connection): void {
    this.connection = connection;
    for (const listener of this.listeners) listener();
  }
}
