// Executing and opening files under the engine, under fapolicyd and under neither; as root: [--rounds N]
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFapolicyd, unpackFapolicyd, WATCHED_TYPE, type Fapolicyd } from './engine/fapolicyd.ts';
import { firstAccess } from './engine/first-access.ts';
import { limit } from './engine/limit.ts';
import { overtaking } from './engine/overtaking.ts';
import { fastest, timed } from './engine/timed.ts';
import { atInterruption, mountDirectory } from './scratch/directory.ts';

const LIMITS = { exec: 1.15, turbo: 1.02, event: 0.7 };
/** Executions and openings of a round, of each place in turn. */
const EXECS = 40;
const OPENS = 1000;
const ENGINES = ['no engine', 'engine', 'engine that asks about openings', 'engine with turbo'];
/** What executions measure, and openings besides. */
const POLICIES = { exec: 'measure func=BPRM_CHECK', open: 'measure func=MMAP_CHECK' };

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' } },
});
const rounds = Number(values.rounds);
if (process.geteuid?.() !== 0) {
  console.error('this benchmark mounts file systems, so it needs root');
  process.exit(3);
}

/** A file system of its own, so that who watches one of them does not see the others. */
interface Place {
  readonly name: string;
  readonly path: string;
}

using scratch = mountDirectory('bench-engine');
const directory = scratch.path;
const stack = new AsyncDisposableStack();
/** The engines end with their standard input. */
let peerDaemon: Fapolicyd | undefined;
atInterruption(() => {
  peerDaemon?.stop();
  scratch[Symbol.dispose]();
});
try {
  await main();
} finally {
  await stack.disposeAsync();
}

async function main(): Promise<void> {
  const [bare, measuring, opening, turbo] = ENGINES.map(place);
  if (bare === undefined || measuring === undefined || opening === undefined || turbo === undefined) return;
  await engine(measuring.path, POLICIES.exec);
  await engine(opening.path, POLICIES.open);
  await engine(turbo.path, POLICIES.open, 'turbo');
  const places = [bare, measuring, opening, turbo];
  const unpacked = unpackFapolicyd();
  if ('root' in unpacked) {
    const peer = place('fapolicyd 1.1.7, integrity=sha256');
    const daemon = await startFapolicyd(unpacked.root, directory, [join(peer.path, 'true'), join(peer.path, 'data')]);
    peerDaemon = daemon;
    stack.defer(() => daemon.stop());
    places.push(peer);
  } else console.log(`fapolicyd is left out: ${unpacked.reason}`);
  console.log(`load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds in turn, the fastest of each, microseconds\n`);
  const times = await inTurn(places);
  report(places, times);
  await firstAccess(bare.path, opening.path, rounds);
  await overtaking(bare.path, measuring.path, rounds);
}

function place(name: string): Place {
  const image = join(directory, `${name}.image`);
  const path = join(directory, name.replaceAll(' ', '-').replaceAll(/[^a-z0-9-]/g, ''));
  mkdirSync(path);
  run('truncate', '--size=400M', image);
  run(`mkfs.${WATCHED_TYPE}`, '-q', '-F', image);
  // The same format for all; mounted as another type, it is of no interest to the other daemon.
  run('mount', '-t', name.startsWith('fapolicyd') ? WATCHED_TYPE : 'ext4', '-o', 'loop', image, path);
  copyFileSync('/bin/busybox', join(path, 'true'));
  writeFileSync(join(path, 'data'), 'data');
  return { name, path };
}

function run(command: string, ...given: readonly string[]): void {
  const { status, stderr } = spawnSync(command, given, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${given.join(' ')}: ${stderr}`);
}

async function engine(mount: string, policy: string, ...more: readonly string[]): Promise<void> {
  const script = join(import.meta.dirname, 'engine/serve.ts');
  const command = ['--adjustment=-20', process.execPath, script, mount, policy, ...more];
  const child: ChildProcess = spawn('nice', command, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('the engine has no output');
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  if (child.exitCode !== null) throw new Error('the engine did not start');
  stack.defer(async () => {
    child.stdin?.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
}

/** Microseconds of an execution and of an opening, by place. */
type Times = ReadonlyMap<string, { readonly exec: number; readonly open: number }>;

async function inTurn(places: readonly Place[]): Promise<Times> {
  const found = places.map(() => ({ exec: [] as number[], open: [] as number[] }));
  const turns = (name: string, times: number): string[] =>
    Array.from({ length: times }, () => places.map(({ path }) => join(path, name))).flat();
  for (let round = 0; round < rounds; round++) {
    const execs = await timed('execute', turns('true', EXECS));
    const opens = await timed('open', turns('data', OPENS));
    for (const [index, time] of execs.entries()) found[index % places.length]?.exec.push(time * 1000);
    for (const [index, time] of opens.entries()) found[index % places.length]?.open.push(time * 1000);
  }
  return new Map(places.map(({ name }, index) => [name, fastestOf(found[index])]));
}

function fastestOf({ exec = [], open = [] }: { exec?: number[]; open?: number[] } = {}): {
  exec: number;
  open: number;
} {
  return { exec: fastest(exec), open: fastest(open) };
}

function report(places: readonly Place[], times: Times): void {
  const of = ({ name }: Place): { exec: number; open: number } => times.get(name) ?? { exec: NaN, open: NaN };
  const [bare, measuring, opening, turbo, peer] = places.map(of);
  if (bare === undefined || measuring === undefined || opening === undefined || turbo === undefined) return;
  console.log(`${''.padEnd(36)}${'exec'.padStart(9)}${'ratio'.padStart(7)}${'open'.padStart(9)}${'added'.padStart(8)}`);
  for (const at of places) {
    const { exec, open } = of(at);
    const row = [exec.toFixed(1).padStart(9), (exec / bare.exec).toFixed(2).padStart(7)];
    console.log(
      `${at.name.padEnd(36)}${row.join('')}${open.toFixed(2).padStart(9)}${(open - bare.open).toFixed(2).padStart(8)}`,
    );
  }
  console.log();
  limit('exec with the cache / no engine', measuring.exec / bare.exec, LIMITS.exec);
  limit('exec with turbo / no engine', turbo.exec / bare.exec, LIMITS.turbo);
  if (peer === undefined) return;
  limit('cost of an event / fapolicyd', (opening.open - bare.open) / (peer.open - bare.open), LIMITS.event);
}
