import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makePrivateDirectory } from '@assay/linux/files';
import { ApiClient } from '@assay/wire';
import { BUILT_PAGE, startVerifier } from '@assay/verifier';
import { z } from 'zod';
import { joinTokenOf } from '../agent/options.ts';
import { Chance } from '../demo/chance.ts';
import { StoryClock } from '../demo/clock.ts';
import { DemoFleet } from '../demo/fleet.ts';
import { linesOutput, textOutput, type Told } from '../demo/output.ts';
import { People } from '../demo/people.ts';
import { Story, type Stage } from '../demo/story.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { stopSignal } from '../up/signals.ts';
import { openState } from '../up/state.ts';

const FleetOptions = z.object({
  hosts: z.int().min(4, 'takes 4 hosts or more').max(1000, 'takes 1000 hosts or fewer'),
  seed: z.string().max(200, 'is longer than 200 characters'),
  speed: z.number().min(0.1).max(1000),
  port: z.int().min(0).max(65_535),
  keep: z.string().min(1, 'names no directory').optional(),
  verifier: ConnectOptions.shape.url.optional(),
  joinTokenFile: z.string().min(1, 'names no file').optional(),
  once: z.boolean().default(false),
  output: z.enum(['text', 'jsonl']),
});
type FleetOptions = z.infer<typeof FleetOptions>;

/** Rounds a second of hosts that have nothing new, at the speed of the world. */
const IDLE_ROUNDS = 20;
const HEARTBEAT_SECONDS = 10;
/** Heartbeats that may be missed. */
const PATIENCE = 3;

/** Where the machines enrol, who acts, and where that is looked at. */
interface Scene {
  readonly url: string;
  readonly joinToken: string;
  /** Of an admin; where it is absent, nobody acts for people. */
  readonly token: string | undefined;
  readonly prefix: string;
  readonly staleAfterSeconds: number;
}

/** `assay demo fleet`: until a signal ends it in order, or with --once until the story is told. */
export async function demoFleet(given: unknown): Promise<number> {
  const options = optionsFrom(FleetOptions, given);
  process.umask(0o077);
  const told = options.output === 'text' ? textOutput() : linesOutput();
  const ending = new AbortController();
  const signal = stopSignal().then(() => ending.abort());
  await using cleanup = new AsyncDisposableStack();
  const directory = await stateDirectory(options.keep, cleanup);
  const scene = await (options.verifier === undefined ? ownVerifier : givenVerifier)(options, directory, cleanup);
  const stage = await stageOf(options, scene, directory, { told, ending: ending.signal, cleanup });
  told.section('page', [pageOf(scene)]);
  told.section('state', [options.keep === undefined ? 'is removed at the end; --keep DIR keeps it' : directory]);
  try {
    return await toldOn(options, stage, signal, told);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    return EXIT.fine;
  }
}

async function toldOn(options: FleetOptions, stage: Stage, signal: Promise<void>, told: Told): Promise<number> {
  const story = new Story(stage);
  const complete = await story.play();
  told.tell('end', options.once ? 'the story is told' : 'the story is told; life goes on until Ctrl-C');
  if (options.once) return complete ? EXIT.fine : EXIT.no;
  await Promise.race([signal, story.goOn()]);
  return EXIT.fine;
}

async function stateDirectory(keep: string | undefined, cleanup: AsyncDisposableStack): Promise<string> {
  if (keep === undefined) {
    const directory = await mkdtemp(join(tmpdir(), 'assay-demo-'));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }
  const directory = resolve(keep);
  makePrivateDirectory(directory);
  if ((await readdir(directory)).length === 0) return directory;
  throw new UsageError(`--keep ${keep} is not empty; to look at an earlier demo: assay verifier serve --state ${keep}`);
}

async function ownVerifier(options: FleetOptions, directory: string, cleanup: AsyncDisposableStack): Promise<Scene> {
  const state = await openState(directory);
  cleanup.defer(() => state.release());
  const idle = Math.max(HEARTBEAT_SECONDS, options.hosts / IDLE_ROUNDS);
  const heartbeatSeconds = Math.max(1, Math.round(idle / options.speed));
  const staleAfterSeconds = heartbeatSeconds * PATIENCE;
  const verifier = await startVerifier({
    store: `sqlite:${state.path('verifier.sqlite')}`,
    port: options.port,
    tokens: { operator: state.tokens.operator, join: state.tokens.join },
    resultKeys: [state.resultKey],
    publicDirectory: BUILT_PAGE,
    heartbeatSeconds,
    staleAfterSeconds,
  });
  cleanup.defer(() => verifier.close());
  const { operator: token, join: joinToken } = state.tokens;
  return { url: verifier.url, joinToken, token, prefix: '', staleAfterSeconds };
}

async function givenVerifier(options: FleetOptions): Promise<Scene> {
  const joinToken = await joinTokenOf(options.joinTokenFile);
  if (joinToken === undefined) {
    throw new UsageError('--verifier needs --join-token-file, or the token in ASSAY_JOIN_TOKEN');
  }
  const token = process.env['ASSAY_TOKEN'] || undefined;
  return { url: options.verifier ?? '', joinToken, token, prefix: 'demo-', staleAfterSeconds: 0 };
}

interface Surroundings {
  readonly told: Told;
  readonly ending: AbortSignal;
  readonly cleanup: AsyncDisposableStack;
}

async function stageOf(
  options: FleetOptions,
  scene: Scene,
  directory: string,
  { told, ending, cleanup }: Surroundings,
): Promise<Stage> {
  const chance = new Chance(options.seed);
  const viewer = new ApiClient(scene.url, scene.token);
  const people = scene.token === undefined ? undefined : await People.hire(viewer);
  if (people !== undefined) cleanup.defer(() => people.dismiss());
  const { url: verifierUrl, joinToken } = scene;
  const statePath = (name: string): string => join(directory, `agent-${name}.json`);
  const fleet = new DemoFleet(chance, { verifierUrl, joinToken, statePath });
  cleanup.defer(() => fleet.stop());
  const clock = new StoryClock(options.speed, ending);
  const { prefix, staleAfterSeconds } = scene;
  const tell = (...line: Parameters<Told['tell']>): void => told.tell(...line);
  return { hosts: options.hosts, fleet, clock, chance, people, viewer, prefix, staleAfterSeconds, tell };
}

/** The address of the page; browsers do not send the fragment. */
function pageOf({ url, token }: Scene): string {
  return token === undefined ? `${url}/` : `${url}/#token=${token}`;
}
