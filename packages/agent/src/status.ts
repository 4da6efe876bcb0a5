import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AssayError, SystemError } from '@assay/core/errors';
import { makePrivateDirectory, writePrivateJson } from '@assay/linux/files';
import type { SpoolState } from '@assay/linux/ima';
import { HostId, HostName, ListSource, ProblemError, Time, TpmKind, Verdict } from '@assay/wire';
import { z } from 'zod';
import type { AgentPhase } from './options.ts';

const Problem = z.object({ code: z.string(), message: z.string() });

/** What an agent last said of itself. */
export const AgentStatus = z.object({
  schema: z.literal('assay.agent-status.v1'),
  name: HostName,
  verifier: z.string(),
  tpmKind: TpmKind,
  listSource: ListSource,
  since: Time,
  phase: z.enum(['starting', 'enrolling', 'attesting', 'attested', 'waiting', 'retrying']),
  hostId: HostId.nullable(),
  /** The newest round that the verifier answered. */
  round: z
    .object({
      at: Time,
      verified: z.boolean(),
      verdict: Verdict,
      sentence: z.string(),
      /** Entries of the list that the verifier has. */
      entries: z.int(),
      errors: z.array(Problem),
      /** When the next is due even if the list does not grow. */
      dueAt: Time,
    })
    .nullable(),
  /** What goes wrong now; null once a round was answered. */
  problem: Problem.extend({ at: Time, retryAt: Time }).nullable(),
  /** Whether it keeps what the verifier does not have yet of a list that can be trimmed; null where none can be. */
  spool: z
    .discriminatedUnion('state', [
      z.object({ state: z.literal('keeping') }),
      z.object({ state: z.literal('full'), limit: z.int() }),
      z.object({ state: z.literal('failed'), reason: z.string() }),
    ])
    .nullable()
    .default(null),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

/** A busy host has many rounds in a second; nobody reads that fast. */
const WRITE_MILLISECONDS = 1000;

/** Keeps the status of an agent in a file, written at most once a second. */
export class StatusFile {
  readonly #path: string;
  #status: AgentStatus;
  #timer: NodeJS.Timeout | null = null;
  #written: Promise<void> = Promise.resolve();

  constructor(
    path: string,
    about: Pick<AgentStatus, 'name' | 'verifier' | 'tpmKind' | 'listSource'>,
    now = new Date(),
  ) {
    this.#path = path;
    const unknown = { hostId: null, round: null, problem: null, spool: null } as const;
    this.#status = {
      schema: 'assay.agent-status.v1',
      ...about,
      since: now.toISOString(),
      phase: 'starting',
      ...unknown,
    };
    this.#later(0);
  }

  note(phase: AgentPhase, now = new Date()): void {
    this.#status = statusAfter(this.#status, phase, now);
    this.#later(WRITE_MILLISECONDS);
  }

  noteSpool(spool: SpoolState): void {
    this.#status = { ...this.#status, spool };
    this.#later(WRITE_MILLISECONDS);
  }

  /** Writes what was noted last. @throws Error of the file system */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#write();
  }

  #later(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // A full disk must not end the agent; the next round tries again, and `close` tells.
      this.#write().catch(() => undefined);
    }, milliseconds);
  }

  #write(): Promise<void> {
    const write = async (): Promise<void> => {
      makePrivateDirectory(dirname(this.#path));
      await writePrivateJson(this.#path, this.#status);
    };
    this.#written = this.#written.then(write, write);
    return this.#written;
  }
}

function statusAfter(status: AgentStatus, phase: AgentPhase, now: Date): AgentStatus {
  const after = (milliseconds: number): string => new Date(now.getTime() + milliseconds).toISOString();
  if (phase.phase === 'enrolling') return { ...status, phase: 'enrolling' };
  if (phase.phase === 'renewing' || phase.phase === 'not-renewed') return status;
  if (phase.phase === 'attesting') return { ...status, phase: 'attesting', hostId: phase.hostId };
  if (phase.phase === 'waiting') {
    const { code } = phase.error.problem;
    const problem = { code, message: phase.error.message, at: after(0), retryAt: after(phase.milliseconds) };
    return { ...status, phase: 'waiting', hostId: null, problem };
  }
  if (phase.phase === 'retrying') {
    const problem = { ...problemOf(phase.error), at: after(0), retryAt: after(phase.milliseconds) };
    return { ...status, phase: 'retrying', problem };
  }
  const { verified, verdict, sentence, errors, challenge, heartbeatSeconds } = phase.reply;
  const times = { at: after(0), dueAt: after(heartbeatSeconds * 1000) };
  const entries = challenge.list.fromEntry - 1;
  const round = { ...times, verified, verdict, sentence, entries, errors };
  return { ...status, phase: 'attested', round, problem: null };
}

function problemOf(error: Error): { readonly code: string; readonly message: string } {
  if (error.cause instanceof ProblemError) return { code: error.cause.problem.code, message: error.cause.message };
  const code = error instanceof AssayError || 'code' in error ? String(error.code) : error.name; // Or ENOSPC and its like.
  return { code, message: error.message };
}

/** @returns null where no agent has worked. @throws SystemError AGENT-STATE; Error of the file system but ENOENT */
export async function readStatus(path: string): Promise<AgentStatus | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return AgentStatus.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new SystemError('AGENT-STATE', `${path}: ${reason}`, { cause: error });
  }
}
