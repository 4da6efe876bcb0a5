import type { FleetEvent } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { ApiProblem, isObject, request } from './documents.ts';
import { readEventStream, type StreamMessage } from './event-reader.ts';

/** `retryAt` and `since` are milliseconds of this browser's clock. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | {
      readonly state: 'lost';
      readonly since: number;
      readonly retryAt: number;
      /** Why the verifier, which answers, takes no listener more; else null. */
      readonly full: string | null;
    }
  /** The verifier answers, and wants a token or a session for it; `since` when it let this tab in before, else null. */
  | { readonly state: 'refused'; readonly since: number | null };

export interface EventHandlers {
  /** Called when the stream opens at another try than the first: what happened before was not heard. */
  onOpenAgain(): void;
  /** Called when the verifier does not let this tab in: what was known of who asks is not true any more. */
  onRefused(): void;
  onEvent(event: FleetEvent): void;
}

/** Events of types that a later verifier may add are none of this page's. */
function isFleetEvent(value: unknown, type: string): value is FleetEvent {
  return type === 'fleet' && isObject(value) && value['type'] === type;
}

/** The verifier gives a sign every 15 seconds; a stream that is silent for longer was cut without a word. */
const SILENCE_MS = 40_000;

const LONGEST_WAIT_SECONDS = 15;

const fullIn = (error: unknown): string | null =>
  error instanceof ApiProblem && error.problem.status === 429 ? error.problem.detail : null;

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
  private silence = 0;
  private tries = 0;
  private failures = 0;
  private readonly first = Promise.withResolvers<void>();

  constructor(handlers: EventHandlers) {
    this.handlers = handlers;
  }

  /** Settled as soon as the stream is open, or turns out not to be. */
  get tried(): Promise<void> {
    return this.first.promise;
  }

  readonly current = (): Connection => this.connection;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Opens the stream, or opens it again at once. */
  readonly connect = (): void => {
    window.clearTimeout(this.timer);
    window.clearTimeout(this.silence);
    this.abort.abort();
    this.abort = new AbortController();
    this.tries += 1;
    void this.run(this.abort.signal);
  };

  private async run(signal: AbortSignal): Promise<void> {
    try {
      const { body } = await request(`${ROUTES.events}?form=lines`, { signal });
      this.opened();
      if (body !== null) for await (const message of readEventStream(body, this.noteSign)) this.heard(message);
      this.failed();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiProblem && error.problem.status === 401) this.refused();
      else this.failed(fullIn(error));
    }
  }

  private opened(): void {
    this.failures = 0;
    this.noteSign();
    this.become({ state: 'live' });
    if (this.tries > 1) this.handlers.onOpenAgain();
  }

  private readonly noteSign = (): void => {
    window.clearTimeout(this.silence);
    this.silence = window.setTimeout(() => {
      this.abort.abort();
      this.failed();
    }, SILENCE_MS);
  };

  private failed(full: string | null = null): void {
    window.clearTimeout(this.silence);
    const wait = Math.min(2 ** this.failures, LONGEST_WAIT_SECONDS) * 1000;
    this.failures += 1;
    const now = Date.now();
    const since = this.connection.state === 'lost' ? this.connection.since : now;
    this.timer = window.setTimeout(this.connect, wait);
    this.become({ state: 'lost', since, retryAt: now + wait, full });
  }

  private refused(): void {
    const { connection } = this;
    const since = connection.state === 'live' ? Date.now() : 'since' in connection ? connection.since : null;
    this.become({ state: 'refused', since });
    this.handlers.onRefused();
  }

  private heard({ type, data }: StreamMessage): void {
    const event: unknown = JSON.parse(data);
    if (isFleetEvent(event, type)) this.handlers.onEvent(event);
  }

  private become(connection: Connection): void {
    this.connection = connection;
    this.first.resolve();
    for (const listener of this.listeners) listener();
  }
}
