import { z } from 'zod';
import type { Database } from '../store/schema.ts';

/** What changed: enough to read it from the store, which every verifier can. */
export const Change = z.discriminatedUnion('type', [
  z.object({ type: z.literal('host'), host: z.string() }),
  z.object({ type: z.literal('finding'), seq: z.int() }),
  /** Entries of a boot's list, from and to their places in it. */
  z.object({ type: z.literal('measurements'), host: z.string(), boot: z.int(), from: z.int(), to: z.int() }),
  z.object({ type: z.literal('enrolment'), seq: z.int() }),
]);
export type Change = z.infer<typeof Change>;

/** The way that changes take to the listeners. */
export interface News {
  /** Within the transaction that makes the changes. */
  announce(db: Database, changes: readonly Change[]): Promise<void>;
  /** Once it is committed. */
  committed(changes: readonly Change[]): void;
  close(): Promise<void>;
}

/** A store that one process has: what was committed is told at once. */
export function localNews(deliver: (changes: readonly Change[]) => void): News {
  return { announce: () => Promise.resolve(), committed: deliver, close: () => Promise.resolve() };
}

/** Does something in one transaction, and tells what it changed when it is committed. */
export async function transact<T>(
  context: { readonly database: Database; readonly news: News },
  run: (db: Database) => Promise<{ result: T; changes: readonly Change[] }>,
): Promise<T> {
  const { result, changes } = await context.database.transaction().execute(async (db) => {
    const done = await run(db);
    await context.news.announce(db, done.changes);
    return done;
  });
  context.news.committed(changes);
  return result;
}
