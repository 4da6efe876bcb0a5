import { equalBytes } from '@assay/core/bytes';
import type { EvidenceMessage, EvidenceReply } from '@assay/wire';
import type { Context } from '../context.ts';
import { transact, type Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { hostsByIds } from '../store/hosts.ts';
import { isPostgres } from '../store/locks.ts';
import { lockRounds, saveRounds } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { agentIsGone } from './lock-round.ts';
import { runRound, type Attested } from './round.ts';

/** Rounds that share one transaction, and so one flush to the disk. */
const BATCH_LIMIT = 64;
/** Base64 characters of entries over which a round has a transaction of its own: others do not wait for it. */
const LARGE_LIST = 256 * 1024;
/** How long a round waits for others to share its transaction, which costs as much as several rounds do. */
const GATHER_MILLISECONDS = 4;
/** Transactions at one time: while PostgreSQL flushes one, the next is prepared. SQLite has one writer. */
const POSTGRES_TRANSACTIONS = 3;

/** The host that sent evidence, and the digest of the token that it came with. */
type Sender = Pick<HostRow, 'id' | 'token_digest'>;

interface Job {
  readonly sender: Sender;
  readonly message: EvidenceMessage;
  readonly done: (reply: EvidenceReply) => void;
  readonly failed: (error: unknown) => void;
}

type Outcome = { readonly reply: EvidenceReply } | { readonly refusal: RequestProblem };

/**
 * Rounds that come within some milliseconds, or while others are being committed, are committed together: each is answered
 * after the flush that it shares. A round that breaks its transaction is tried alone, so that it harms no other.
 */
export class RoundQueue {
  readonly #waiting: Job[] = [];
  readonly #context: Context;
  readonly #atOnce: number;
  #running = 0;
  #gathering: NodeJS.Timeout | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#atOnce = isPostgres(context.database) ? POSTGRES_TRANSACTIONS : 1;
  }

  /** @throws RequestProblem QUOTE-NONCE, REQUEST-UNAUTHENTICATED, where nothing changes */
  run(sender: Sender, message: EvidenceMessage): Promise<EvidenceReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sender, message, done: resolve, failed: reject });
      if (this.#waiting.length >= BATCH_LIMIT) this.#next();
      else this.#gathering ??= setTimeout(() => this.#next(), GATHER_MILLISECONDS);
    });
  }

  #next(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#running >= this.#atOnce || this.#waiting.length === 0) return;
    this.#running++;
    void this.#commit(this.#takeBatch()).finally(() => {
      this.#running--;
      this.#next();
    });
  }

  #takeBatch(): Job[] {
    const large = (job: Job): boolean => job.message.list.entries.length > LARGE_LIST;
    const [first] = this.#waiting;
    if (first !== undefined && large(first)) return this.#waiting.splice(0, 1);
    const end = this.#waiting.findIndex(large);
    return this.#waiting.splice(0, Math.min(BATCH_LIMIT, end < 0 ? BATCH_LIMIT : end));
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const context = this.#context;
    try {
      const outcomes = await transact(context, (db) => runBatch(db, context, jobs));
      for (const [index, outcome] of outcomes.entries()) settle(jobs[index], outcome);
    } catch (error) {
      const [only, ...others] = jobs;
      if (others.length === 0) only?.failed(error);
      else for (const job of jobs) await this.#commit([job]);
    }
  }
}

function settle(job: Job | undefined, outcome: Outcome): void {
  if ('reply' in outcome) job?.done(outcome.reply);
  else job?.failed(outcome.refusal);
}

async function runBatch(
  db: Database,
  context: Context,
  jobs: readonly Job[],
): Promise<{ result: Outcome[]; changes: Change[] }> {
  const attested = await lockedHosts(db, [...new Set(jobs.map(({ sender }) => sender.id))]);
  const result: Outcome[] = [];
  const changes: Change[] = [];
  const changed = new Set<string>();
  for (const { sender, message } of jobs) {
    try {
      const round = await runRound(db, context, senderIn(attested, sender), message);
      attested.set(sender.id, round.after);
      changed.add(sender.id);
      changes.push(...round.changes);
      result.push({ reply: round.reply });
    } catch (error) {
      if (!(error instanceof RequestProblem)) throw error;
      result.push({ refusal: error });
    }
  }
  await saveRounds(
    db,
    [...changed].flatMap((host) => attested.get(host)?.round ?? []),
  );
  return { result, changes };
}

async function lockedHosts(db: Database, ids: readonly string[]): Promise<Map<string, Attested>> {
  const rounds = await lockRounds(db, ids);
  const hosts = new Map((await hostsByIds(db, ids)).map((host) => [host.id, host]));
  return new Map(
    rounds.flatMap((round) => {
      const host = hosts.get(round.host);
      return host === undefined ? [] : [[round.host, { host, round }]];
    }),
  );
}

/** The token is looked at here, where nobody can change it any more. @throws RequestProblem REQUEST-UNAUTHENTICATED */
function senderIn(attested: ReadonlyMap<string, Attested>, { id, token_digest: token }: Sender): Attested {
  const found = attested.get(id);
  if (found !== undefined && equalBytes(found.host.token_digest, token)) return found;
  throw agentIsGone();
}
