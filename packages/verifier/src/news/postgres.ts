import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { z } from 'zod';
import { connectionOptions } from '../store/postgres.ts';
import { Change, type News } from './news.ts';

const CHANNEL = 'assay_changes';
/** A notification of PostgreSQL carries under 8,000 bytes. */
const CHANGES_PER_NOTE = 40;
const RETRY_MILLISECONDS = 1000;

/**
 * News between the verifiers of one PostgreSQL: told when the transaction commits, to all of them, this one too. While the
 * connection is broken nothing is told; whoever connects again reads the present state.
 */
export class PostgresNews implements News {
  readonly #url: string;
  readonly #deliver: (changes: readonly Change[]) => void;
  readonly #log: (line: string) => void;
  readonly #stop = new AbortController();
  #client: pg.Client | null = null;
  #listening: Promise<void> = Promise.resolve();

  private constructor(url: string, deliver: (changes: readonly Change[]) => void, log: (line: string) => void) {
    this.#url = url;
    this.#deliver = deliver;
    this.#log = log;
  }

  static async listen(
    url: string,
    deliver: (changes: readonly Change[]) => void,
    log: (line: string) => void,
  ): Promise<PostgresNews> {
    const news = new PostgresNews(url, deliver, log);
    await news.#connect();
    return news;
  }

  async announce(db: Parameters<News['announce']>[0], changes: readonly Change[]): Promise<void> {
    for (let start = 0; start < changes.length; start += CHANGES_PER_NOTE) {
      const note = JSON.stringify(changes.slice(start, start + CHANGES_PER_NOTE));
      await sql`select pg_notify(${CHANNEL}, ${note})`.execute(db);
    }
  }

  committed(): void {
    // PostgreSQL tells it.
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#listening.catch(() => undefined);
    await this.#client?.end();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(connectionOptions(this.#url));
    client.on('notification', ({ payload }) => this.#take(payload ?? ''));
    client.on('error', (error) => this.#lost(client, error));
    await client.connect();
    this.#client = client;
    await client.query(`listen ${CHANNEL}`);
  }

  #take(payload: string): void {
    const changes = z.array(Change).safeParse(parsed(payload));
    if (changes.success) this.#deliver(changes.data);
  }

  #lost(client: pg.Client, error: Error): void {
    if (this.#client !== client || this.#stop.signal.aborted) return;
    this.#client = null;
    this.#log(`news from the store: ${error.message}`);
    this.#listening = this.#connectAgain();
  }

  async #connectAgain(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await delay(RETRY_MILLISECONDS, undefined, { signal });
        return await this.#connect();
      } catch (error) {
        if (!signal.aborted) this.#log(`news from the store: ${String(error)}`);
      }
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
