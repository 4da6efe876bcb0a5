import { ApiClient, ProblemError } from '@assay/wire';
import { BackOff } from './back-off.ts';
import { CertificateKeeper } from './certificate.ts';
import { kindOf, refuseRenewal } from './cloud-key.ts';
import { enrol, type Enrolled } from './enrolment.ts';
import { openKeys, type HostKeys } from './keys.ts';
import type { AgentOptions } from './options.ts';
import { renewAttestationKey, Renewer, settle } from './renewal.ts';
import { attestOnce } from './round.ts';
import { loadState } from './state.ts';
import { ANSWER_LIMIT, TlsTransport } from './transport.ts';
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
/** People decide more slowly than networks heal. */
const FIRST_WAIT_MILLISECONDS = 2000;
const LAST_WAIT_MILLISECONDS = 40_000; // Times 1.5 that is a minute.
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
  const retry = new BackOff(FIRST_RETRY_MILLISECONDS, LAST_RETRY_MILLISECONDS);
  const wait = new BackOff(FIRST_WAIT_MILLISECONDS, LAST_WAIT_MILLISECONDS);
  const succeeded = (): void => {
    retry.reset();
    wait.reset();
  };
  const renewer = new Renewer();
  while (!stop.aborted) {
    try {
      await session({ options, renewer, wakeup, stop, succeeded });
    } catch (error) {
      const waits = error instanceof ProblemError && UNDECIDED.has(error.problem.code);
      const milliseconds = (waits ? wait : retry).next();
      if (waits) options.onPhase?.({ phase: 'waiting', error, milliseconds });
      else options.onPhase?.({ phase: 'retrying', error: asError(error), milliseconds });
      await pause(milliseconds, stop);
    }
  }
}

/** Answers that somebody can change. */
const UNDECIDED: ReadonlySet<string> = new Set(['ENROLMENT-WAITS', 'ENROLMENT-REFUSED']);

interface Working {
  readonly options: AgentOptions;
  readonly renewer: Renewer;
  readonly wakeup: Wakeup;
  readonly stop: AbortSignal;
  readonly succeeded: () => void;
}

/** From loading the keys to the stop, to the renewal of a key, or to the first error. */
async function session(working: Working): Promise<void> {
  const { options, renewer } = working;
  await options.tpm.startup(); // A TPM that lost power answers nothing before; firmware does it for the machine's own.
  const channel = openChannel(options);
  try {
    await settle(options.statePath, channel.client);
    const keys = await openKeys(options.tpm, options.statePath, options.attestationKey);
    if (keys === null) await renewAttestationKey(options, channel.client);
    else {
      const wanted = await options.tpm.using(keys.akHandle, () => work(working, keys, channel));
      if (wanted === 'another-key') await renewer.renew(options, channel.client);
    }
  } finally {
    channel.transport?.close();
  }
}

async function work(working: Working, keys: HostKeys, { client, transport }: Channel): Promise<'stop' | 'another-key'> {
  const { options } = working;
  const enrolled = await enrol(options, keys, client);
  const keeper = transport && new CertificateKeeper(options.tpm, keys, transport);
  await keeper?.keep(enrolled.client);
  options.onPhase?.({ phase: 'attesting', hostId: enrolled.hostId });
  return attest({ ...working, keys, enrolled, keeper });
}

/**
 * Enrols the host, or finds that it is enrolled, and sends no evidence.
 * @returns its id at the verifier
 * @throws SystemError VERIFIER-UNREACHABLE, TPM-UNREACHABLE, TPM-RESPONSE, AGENT-STATE; ProblemError
 */
export async function enrolHost(options: AgentOptions): Promise<string> {
  return inChannel(options, async (client) => {
    await settle(options.statePath, client);
    const keys = await openKeys(options.tpm, options.statePath, options.attestationKey);
    if (keys === null) return renewAttestationKey(options, client);
    return options.tpm.using(keys.akHandle, async () => (await enrol(options, keys, client)).hostId);
  });
}

/**
 * Gives the host another attestation key; the one of before is good for nothing from then on.
 * @returns its id at the verifier
 * @throws as `enrolHost`; SystemError AGENT-STATE for a key that its cloud certified
 */
export async function renewKey(options: AgentOptions): Promise<string> {
  refuseRenewal(await loadState(options.statePath), options.statePath);
  return inChannel(options, (client) => renewAttestationKey(options, client));
}

async function inChannel(options: AgentOptions, use: (client: ApiClient) => Promise<string>): Promise<string> {
  await options.tpm.startup();
  const { client, transport } = openChannel(options);
  try {
    return await use(client);
  } finally {
    transport?.close();
  }
}

interface Channel {
  /** With the join token. */
  readonly client: ApiClient;
  /** Where the verifier is asked over TLS. */
  readonly transport: TlsTransport | undefined;
}

function openChannel({ verifierUrl, joinToken, authorities }: AgentOptions): Channel {
  const transport = /^https:/i.test(verifierUrl) ? new TlsTransport(authorities) : undefined;
  return { client: new ApiClient(verifierUrl, joinToken, transport?.send, ANSWER_LIMIT), transport };
}

interface Attesting extends Working {
  readonly keys: HostKeys;
  readonly enrolled: Enrolled;
  readonly keeper: CertificateKeeper | undefined;
}

async function attest({
  options,
  renewer,
  keys,
  enrolled,
  keeper,
  wakeup,
  stop,
  succeeded,
}: Attesting): Promise<'stop' | 'another-key'> {
  let { challenge } = enrolled;
  let rushed = 0;
  for (;;) {
    const last = stop.aborted;
    await keeper?.keep(enrolled.client);
    const { reply, behind } = await attestOnce(options, keys, enrolled.client, challenge);
    if (reply.verified) await options.source.settle?.(reply.challenge.list);
    succeeded();
    options.onPhase?.({ phase: 'attested', reply });
    if (last) return 'stop';
    if (reply.renewKey === true && kindOf(keys.state) === 'own' && renewer.isDue()) return 'another-key';
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
