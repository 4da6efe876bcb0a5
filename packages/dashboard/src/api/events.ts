import type { ServerEvent } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';

/** `retryAt` and `since` are milliseconds of this browser's clock. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly since: number; readonly retryAt: number };

export interface EventHandlers {
  /** Called each time the stream opens: what happened while it was closed was not heard. */
  onOpen(): void;
  onEvent(event: ServerEvent): void;
}

const TYPES: readonly ServerEvent['type'][] = ['host', 'measurements', 'finding'];
const LONGEST_WAIT_SECONDS = 15;

/**
 * The stream of server-sent events, opened again when it breaks.
 * EventSource would try again by itself, but tells nobody when, and gives up for good after some errors.
 */
export class EventStream {
  private connection: Connection = { state: 'connecting' };
  private readonly listeners = new Set<() => void>();
  private readonly handlers: EventHandlers;
  private source: EventSource | null = null;
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
    this.source?.close();
    const source = new EventSource(ROUTES.events);
    this.source = source;
    source.addEventListener('open', () => this.opened());
    source.addEventListener('error', () => this.failed());
    for (const type of TYPES) source.addEventListener(type, (message) => this.heard(message));
  };

  private opened(): void {
    this.failures = 0;
    this.become({ state: 'live' });
    this.handlers.onOpen();
  }

  private failed(): void {
    this.source?.close();
    const wait = Math.min(2 ** this.failures, LONGEST_WAIT_SECONDS) * 1000;
    this.failures += 1;
    const now = Date.now();
    const since = this.connection.state === 'lost' ? this.connection.since : now;
    this.timer = window.setTimeout(this.connect, wait);
    this.become({ state: 'lost', since, retryAt: now + wait });
  }

  private heard(message: MessageEvent<string>): void {
    const event: ServerEvent = JSON.parse(message.data);
    this.handlers.onEvent(event);
  }

  private become(connection: Connection): void {
    this.connection = connection;
    for (const listener of this.listeners) listener();
  }
}
