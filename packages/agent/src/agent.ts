import { ProblemError } from '@assay/wire';
import { enrol, type Enrolled } from './enrolment.ts';
import { openKeys, type HostKeys } from './keys.ts';
import type { AgentOptions } from './options.ts';
import { attestOnce } from './round.ts';
import { pause, Wakeup } from './wakeup.ts';

export interface Agent {
  /** Sends what is new once more, then stops. @param milliseconds time limit for that last round */
  stop(milliseconds?: number): Promise<void>;
}

/** Rounds follow each other at most this often, so that a busy host is not made busier by being watched. */
const ROUND_MILLISECONDS = 50;
/** Rounds in a row without waiting for news, when the verifier does not get on. */
const RUSH_LIMIT = 5;
const FIRST_RETRY_MILLISECONDS = 250;
const LAST_RETRY_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 3000;

/**
 * Enrols the host if need be, and pushes evidence whenever the list grows and whenever the verifier's heartbeat is due.
 * It never gives up: after an error it tries again, later each time.
 */
export function startAgent(options: AgentOptions): Agent {
  const stopping = new AbortController();
  const wakeup = new Wakeup();
  const unwatch = options.source.watch(() => wakeup.notify());
  const ended = run(options, wakeup, stopping.signal);
  return {
    async stop(milliseconds = STOP_MILLISECONDS) {
      unwatch();
      stopping.abort();
      const patience = new AbortController();
      await Promise.race([ended, pause(milliseconds, patience.signal)]);
      patience.abort();
    },
  };
}

async function run(options: AgentOptions, wakeup: Wakeup, stop: AbortSignal): Promise<void> {
  let retry = FIRST_RETRY_MILLISECONDS;
  const succeeded = (): void => {
    retry = FIRST_RETRY_MILLISECONDS;
  };
  while (!stop.aborted) {
    try {
      await session(options, wakeup, stop, succeeded);
    } catch (error) {
      const milliseconds = Math.round(retry * (0.5 + Math.random()));
      retry = Math.min(retry * 2, LAST_RETRY_MILLISECONDS);
      options.onPhase?.({ phase: 'retrying', error: asError(error), milliseconds });
      await pause(milliseconds, stop);
    }
  }
}

/** From loading the keys to the stop, or to the first error. */
async function session(options: AgentOptions, wakeup: Wakeup, stop: AbortSignal, succeeded: () => void): Promise<void> {
  await options.tpm.startup(); // A TPM that lost power answers nothing before; firmware does it for the machine's own.
  const keys = await openKeys(options.tpm, options.statePath);
  try {
    const enrolled = await enrol(options, keys);
    options.onPhase?.({ phase: 'attesting', hostId: enrolled.hostId });
    await attest({ options, keys, enrolled, wakeup, stop, succeeded });
  } finally {
    await options.tpm.flush(keys.akHandle);
  }
}

/**
 * Enrols the host, or finds that it is enrolled, and sends no evidence.
 * @returns its id at the verifier
 * @throws SystemError VERIFIER-UNREACHABLE, TPM-UNREACHABLE, TPM-RESPONSE, AGENT-STATE; ProblemError
 */
export async function enrolHost(options: AgentOptions): Promise<string> {
  await options.tpm.startup();
  const keys = await openKeys(options.tpm, options.statePath);
  return options.tpm.using(keys.akHandle, async () => (await enrol(options, keys)).hostId);
}

interface Attesting {
  readonly options: AgentOptions;
  readonly keys: HostKeys;
  readonly enrolled: Enrolled;
  readonly wakeup: Wakeup;
  readonly stop: AbortSignal;
  readonly succeeded: () => void;
}

async function attest({ options, keys, enrolled, wakeup, stop, succeeded }: Attesting): Promise<void> {
  let { challenge } = enrolled;
  let rushed = 0;
  for (;;) {
    const last = stop.aborted;
    const { reply, behind } = await attestOnce(options, keys, enrolled.client, challenge);
    succeeded();
    options.onPhase?.({ phase: 'attested', reply });
    if (last) return;
    challenge = reply.challenge;
    rushed = behind ? rushed + 1 : 0;
    await pause(ROUND_MILLISECONDS, stop);
    if (rushed === 0 || rushed > RUSH_LIMIT) await wakeup.wait(reply.heartbeatSeconds * 1000, stop);
  }
}

/** What the verifier says of a refusal is worth more than its status. */
function asError(error: unknown): Error {
  if (error instanceof ProblemError) return new Error(`${error.problem.code}: ${error.message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
