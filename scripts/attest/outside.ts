import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { utf8 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { bootKernel, GUEST_PEER, type GuestFile } from '@assay/testkit/lab';
import { askedKernel, type AskOptions, type Files, type GuestAnswer } from '@assay/testkit/suites';
import { startVerifier } from '@assay/verifier';
import { ApiClient, CaptureReply, FindingList, HostDocument, MeasurementList, route, ROUTES } from '@assay/wire';
import { AGENT_COMMAND, agentImage } from './agent-tree.ts';
import { CONTENTS, HOST, PROGRAMS, STATE_FILE } from './names.ts';
import { startRecorder, type Recorder } from './recorder.ts';
import { writeRound } from './round.ts';

/** An emulated guest is slow; only what it says is judged, not when. */
const HEARTBEAT_SECONDS = 2;
const STALE_SECONDS = 3600;
const TIMEOUT_MS = 10 * 60 * 1000;
const CMDLINE = 'ima_policy=tcb';

/** Two boots of one guest, whose TPM and agent keep their state, and the verifier outside. */
export async function attestGuest(options: AskOptions): Promise<GuestAnswer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-attest-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const tokens = { operator: randomBytes(32).toString('hex'), join: randomBytes(32).toString('hex') };
  const verifier = await startVerifier({
    store: `sqlite:${join(directory, 'verifier.sqlite')}`,
    port: 0,
    tokens,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    staleAfterSeconds: STALE_SECONDS,
  });
  cleanup.defer(() => verifier.close());
  const outside = new Outside(new ApiClient(verifier.url, tokens.operator));
  const recorder = cleanup.use(await startRecorder(verifier.url, () => outside.captureOnce()));
  const tree = join(directory, 'agent.img');
  await agentImage(tree, options.signal);
  const bench = { options, directory, tree, recorder, outside, joinToken: tokens.join };
  const first = await bootGuest(bench, 1, undefined);
  const state = await readFile(join(outOf(bench, 1), STATE_FILE));
  return [first, await bootGuest(bench, 2, state)];
}

interface Bench {
  readonly options: AskOptions;
  readonly directory: string;
  readonly tree: string;
  readonly recorder: Recorder;
  readonly outside: Outside;
  readonly joinToken: string;
}

function outOf({ directory }: Bench, boot: number): string {
  return join(directory, `out-${boot}`);
}

async function bootGuest(bench: Bench, boot: number, state: Uint8Array | undefined): Promise<GuestAnswer> {
  const { options, directory, tree, recorder, outside, joinToken } = bench;
  const out = outOf(bench, boot);
  await mkdir(out);
  const { kernel, status, stderr } = await bootKernel({
    ...options,
    cmdline: CMDLINE,
    timeoutMs: TIMEOUT_MS,
    command: [...AGENT_COMMAND, `http://${GUEST_PEER}`, joinToken],
    files: [...programs(), ...(state === undefined ? [] : [{ path: STATE_FILE, data: state, inMemory: true }])],
    tree,
    port: recorder.port,
    tpmState: join(directory, 'tpm'),
    out,
  });
  if (status !== 0) {
    throw new SystemError(
      'LAB-GUEST',
      `the agent of the guest ended with ${status}: ${Buffer.from(stderr).toString()}`,
    );
  }
  const rounds = recorder.takeRounds().map((round) => `${writeRound(round)}\n`);
  const files = new Map<string, Uint8Array>([
    ['list', await readFile(join(out, 'list'))],
    ['rounds', utf8(rounds.join(''))],
    ['ak', utf8(recorder.akPublic)],
    ['enrolments', utf8(String(recorder.enrolments))],
    ...(await outside.findings()),
  ]);
  return { kernel: await askedKernel(kernel), asked: new Map([['boot', utf8(String(boot))]]), files };
}

function programs(): GuestFile[] {
  return (['known', 'ready'] as const).map((name) => ({
    path: PROGRAMS[name].replace('/lab/', ''),
    data: utf8(CONTENTS[name]),
    executable: true,
  }));
}

/** The operator, and what can be seen of the guest at the verifier. */
class Outside {
  readonly #client: ApiClient;
  #captured = false;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Accepts as good what has run, as soon as all that is good has. */
  async captureOnce(): Promise<void> {
    if (this.#captured || !(await this.#isReady())) return;
    this.#captured = true;
    await this.#client.call(route(ROUTES.captures, HOST), CaptureReply, { body: {} });
  }

  async #isReady(): Promise<boolean> {
    const query = { order: 'desc', limit: '100' };
    const { measurements } = await this.#client.call(route(ROUTES.measurements, HOST), MeasurementList, { query });
    return measurements.some(({ filenameHint }) => filenameHint === PROGRAMS.ready);
  }

  /** The host and its open findings, as lines. */
  async findings(): Promise<Files> {
    const { host } = await this.#client.call(route(ROUTES.host, HOST), HostDocument);
    const { findings } = await this.#client.call(ROUTES.findings, FindingList);
    const { kernel, list, boot } = host;
    const lines = findings
      .filter(({ open }) => open)
      .map(({ code, evidence }) => [code, evidence.digest, evidence.filenameHint].join('\t'));
    return new Map([
      ['host', utf8([kernel, list.source, list.entries, boot?.resetCount].join('\t'))],
      ['findings', utf8(lines.map((line) => `${line}\n`).join(''))],
    ]);
  }
}
