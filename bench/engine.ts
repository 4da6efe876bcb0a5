// Executing and opening files under the engine, under fapolicyd and under neither; as root: [--rounds N] [--execs N]
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startFapolicyd, unpackFapolicyd, WATCHED_TYPE } from './engine/fapolicyd.ts';
import { microsecondsPer, millisecondsOf } from './engine/load.ts';

const LIMITS = { exec: 1.15, event: 0.7, hashing: 0.85 };
const MEGABYTE = 1024 * 1024;
const LARGE = [
  { name: '100 KB', size: 102_400 },
  { name: '10 MB', size: 10 * MEGABYTE },
  { name: '100 MB', size: 100 * MEGABYTE },
];
/** What executions measure, and openings besides. */
const POLICIES = { exec: 'measure func=BPRM_CHECK', open: 'measure func=MMAP_CHECK' };

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '25' }, execs: { type: 'string', default: '60' } },
});
const rounds = Number(values.rounds);
const execs = Number(values.execs);
if (process.geteuid?.() !== 0) {
  console.error('this benchmark mounts file systems, so it needs root');
  process.exit(3);
}

/** A file system of its own, so that who watches one of them does not see the others. */
interface Place {
  readonly name: string;
  readonly path: string;
}

const directory = mkdtempSync(join(tmpdir(), 'assay-bench-'));
const stack = new AsyncDisposableStack();
try {
  await main();
} finally {
  await stack.disposeAsync();
  rmSync(directory, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const places = [place('no engine'), place('engine'), place('engine that asks about openings')];
  await engine(places[1]?.path ?? '', POLICIES.exec);
  await engine(places[2]?.path ?? '', POLICIES.open);
  const unpacked = unpackFapolicyd();
  if ('root' in unpacked) {
    const peer = place('fapolicyd 1.1.7, integrity=sha256');
    const daemon = await startFapolicyd(unpacked.root, directory, [join(peer.path, 'true'), join(peer.path, 'data')]);
    stack.defer(() => daemon.stop());
    places.push(peer);
  } else console.log(`fapolicyd is left out: ${unpacked.reason}`);
  console.log(`load ${loadavg()[0]?.toFixed(1)}, ${rounds} rounds in turn, least time of each, microseconds\n`);
  const times = await inTurn(places);
  report(places, times);
  await firstAccess(places[0]?.path ?? '', places[1]?.path ?? '');
}

function place(name: string): Place {
  const image = join(directory, `${name}.image`);
  const path = join(directory, name.replaceAll(' ', '-').replaceAll(/[^a-z0-9-]/g, ''));
  mkdirSync(path);
  run('truncate', '--size=400M', image);
  run(`mkfs.${WATCHED_TYPE}`, '-q', '-F', image);
  // The same format for all; mounted as another type, it is of no interest to the other daemon.
  run('mount', '-t', name.startsWith('fapolicyd') ? WATCHED_TYPE : 'ext4', '-o', 'loop', image, path);
  stack.defer(() => run('umount', '--lazy', path));
  copyFileSync('/bin/busybox', join(path, 'true'));
  writeFileSync(join(path, 'data'), 'data');
  return { name, path };
}

function run(command: string, ...given: readonly string[]): void {
  const { status, stderr } = spawnSync(command, given, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${given.join(' ')}: ${stderr}`);
}

async function engine(mount: string, policy: string): Promise<void> {
  const script = join(import.meta.dirname, 'engine/serve.ts');
  const child: ChildProcess = spawn(process.execPath, [script, mount, policy], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('the engine has no output');
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  if (child.exitCode !== null) throw new Error('the engine did not start');
  stack.defer(async () => {
    child.stdin?.end();
    if (child.exitCode === null) await once(child, 'exit');
    if (child.exitCode !== 0) console.log(`the engine lost events (exit code ${child.exitCode})`);
  });
}

/** Least microseconds of an execution and of an opening, by place. */
type Times = ReadonlyMap<string, { readonly exec: number; readonly open: number }>;

async function inTurn(places: readonly Place[]): Promise<Times> {
  const times = new Map<string, { exec: number; open: number }>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, path } of places) {
      const exec = await microsecondsPer(`${path}/true`, execs);
      const open = await microsecondsPer(`: < ${path}/data`, execs * 30);
      const least = times.get(name) ?? { exec: Infinity, open: Infinity };
      times.set(name, { exec: Math.min(least.exec, exec), open: Math.min(least.open, open) });
    }
  }
  return times;
}

function report(places: readonly Place[], times: Times): void {
  const of = ({ name }: Place): { exec: number; open: number } => times.get(name) ?? { exec: NaN, open: NaN };
  const [bare, measuring, opening, peer] = places.map(of);
  if (bare === undefined || measuring === undefined || opening === undefined) return;
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
  if (peer === undefined) return;
  limit('cost of an event / fapolicyd', (opening.open - bare.open) / (peer.open - bare.open), LIMITS.event);
}

/** Files that nobody has opened yet, whose pages are in memory. */
async function firstAccess(bare: string, watched: string): Promise<void> {
  console.log('\nfirst execution of a file, milliseconds, less what a second one takes; least of each');
  for (const { name, size } of LARGE) {
    const least = { hash: Infinity, start: Infinity, first: Infinity, second: Infinity };
    for (let round = 0; round < Math.min(rounds, 9); round++) {
      const [path, program] = [join(bare, 'large'), join(watched, 'large')];
      writeLarge(path, size);
      writeLarge(program, size);
      least.hash = Math.min(least.hash, await millisecondsOf('openssl', 'dgst', '-sha256', path));
      least.start = Math.min(least.start, await millisecondsOf('openssl', 'dgst', '-sha256', '/dev/null'));
      least.first = Math.min(least.first, await millisecondsOf('/bin/dash', '-c', program));
      least.second = Math.min(least.second, await millisecondsOf('/bin/dash', '-c', program));
    }
    const [theirs, ours] = [least.hash - least.start, least.first - least.second];
    const verdict = theirs / ours >= LIMITS.hashing ? 'within' : 'below';
    console.log(`${name.padEnd(12)} openssl dgst ${theirs.toFixed(2)}   engine ${ours.toFixed(2)}`);
    console.log(
      `${''.padEnd(12)} speed / openssl dgst: ${(theirs / ours).toFixed(2)} (${verdict} the limit of ${LIMITS.hashing})`,
    );
  }
}

/** A program with bytes behind it that no earlier one had. */
function writeLarge(path: string, size: number): void {
  rmSync(path, { force: true });
  copyFileSync('/bin/true', path);
  for (let rest = size; rest > 0; rest -= MEGABYTE) {
    writeFileSync(path, randomBytes(Math.min(rest, MEGABYTE)), { flag: 'a', flush: true });
  }
}

function limit(what: string, ratio: number, most: number): void {
  console.log(`${what}: ${ratio.toFixed(2)} (${ratio <= most ? 'within' : 'over'} the limit of ${most})`);
}
