// What is promised while processes of the engine are killed: nobody hangs for 5 s, nothing that the list explains is lost, and
// nothing is let through without a verdict. The processes and their moments come from ASSAY_SEED; ASSAY_KILLS says how many.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyPcr, parseBinaryList, replay, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';
import { setXattr } from '@assay/linux/xattr';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { scratch } from './assay.ts';
import { now, type LoadResult, type LoadSetup } from './engine-chaos-load.ts';
import { engineProcesses, killed, Program, Unit, type EngineProcess, type Victims } from './engine-service-support.ts';
import { randomNumbers } from './random-numbers.ts';

const LIMIT = { skip: cannotMount() ?? false, timeout: 280_000 };
const KILLS = Number(process.env['ASSAY_KILLS'] ?? 4);
const SEED = Number(process.env['ASSAY_SEED'] ?? Date.now() % 1_000_000);
/**
 * Milliseconds that nobody waits for a process that could answer. On a machine with nothing else to do it is below 5000;
 * where others keep its cores, a process that could answer may wait for them as long.
 */
const HANG_MS = Number(process.env['ASSAY_HANG_MS'] ?? 30_000);
/** Processes, and openings per second of each. */
const LOADS = 3;
const RATE = 1000 / LOADS;
/** Of each kind. */
const FILES = 400;
const POLICY = `measure func=BPRM_CHECK
measure func=FILE_CHECK mask=MAY_READ
appraise func=BPRM_CHECK
appraise func=FILE_CHECK mask=MAY_READ
`;

type Target = 'engine' | 'worker' | 'supervisor' | 'hang' | 'all';
type Targets = readonly Target[];

/** Every file has the label of its own content, but for those that were tampered with. */
function makeFiles(mount: string): void {
  const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${kind}-${at}`);
  const loads = Array.from({ length: LOADS }, (_, at) => String(at));
  for (const name of ['run', 'run-tampered']) copyFileSync('/bin/true', join(mount, name));
  for (const name of [
    ...names('good', 20),
    ...names('tampered', 20),
    ...loads.flatMap((load) => names(`fresh-${load}`, FILES)),
  ])
    writeFileSync(join(mount, name), name);
  // As long as its path, to which the load cuts it back.
  for (const load of loads) writeFileSync(join(mount, `victim-${load}`), join(mount, `victim-${load}`));
  for (const name of readdirSync(mount).filter((found) => found !== 'lost+found')) label(join(mount, name));
  for (const name of ['run-tampered', ...names('tampered', 20)]) appendFileSync(join(mount, name), 'x');
}

function digestOf(path: string): Buffer {
  return createHash('sha256').update(readFileSync(path)).digest();
}

function label(path: string): void {
  setXattr(Buffer.from(path), 'security.ima', Buffer.concat([Buffer.from('0404', 'hex'), digestOf(path)]));
}

/** Whether a labelled file can be opened, by a process that may wait. */
function opens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('/bin/cat', [path], { timeout: 120_000 }, (error) => resolve(error === null));
  });
}

interface Outage {
  readonly from: number;
  /** When an engine answered again. */
  readonly until: number;
}

/** Milliseconds that an opening waited while there was somebody to answer it. */
function waited([from, until]: readonly [number, number], outages: readonly Outage[]): number {
  const last = outages.filter((outage) => outage.from < until && outage.until > from).map((outage) => outage.until);
  return until - Math.min(until, Math.max(from, ...last));
}

async function load(setup: LoadSetup): Promise<LoadResult> {
  const script = join(import.meta.dirname, 'engine-chaos-load.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(setup)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const result: unknown = JSON.parse(await text(child.stdout));
  assert.ok(isResult(result));
  return result;
}

function isResult(value: unknown): value is LoadResult {
  return typeof value === 'object' && value !== null && 'wrong' in value && 'fresh' in value;
}

test('whatever is killed of a service: nobody hangs, nothing is lost, nothing passes unasked', LIMIT, (t) =>
  chaos(t, ['engine', 'worker', 'supervisor', 'hang', 'all'], (words) => new Unit(words)),
);

test('whichever process is killed without a service manager: the other one sees to it', LIMIT, (t) =>
  chaos(t, ['supervisor', 'worker', 'hang', 'supervisor', 'engine'], (words) => new Program(words)),
);

async function chaos(t: TestContext, targets: Targets, start: (words: readonly string[]) => Victims): Promise<void> {
  const swtpm = await startSwtpm();
  t.after(() => swtpm.stop());
  const tpm = new Tpm(await connectSwtpm(swtpm.socketPath));
  await tpm.startup();
  await tpm.close();
  using mount = mountExt4();
  makeFiles(mount.path);
  const directory = join(scratch(t), 'engine');
  const policy = join(scratch(t), 'policy');
  writeFileSync(policy, POLICY);
  const where = ['--watch', mount.path, '--policy', policy, '--directory', directory];
  const how = ['--mode', 'enforce', '--confirm-within', '0', '--supervise', 'closed', '--relabel', 'updaters'];
  const words = [...where, ...how, '--tpm', `swtpm:unix:${swtpm.socketPath}`];
  const { loads, outages } = await underLoad(t, mount.path, targets, () => start(words));
  judgeLoads(t, loads, outages);
  assert.equal(await opens(join(mount.path, 'tampered-0')), true, 'nobody asks any more');
  const listed = new Set((await replayed(directory, swtpm.socketPath)).map(nameAndDigest));
  const fresh = loads.flatMap((result) => result.fresh);
  assert.ok(fresh.length > 0);
  const missing = fresh.filter((path) => !listed.has(`${path} ${hex(digestOf(path))}`));
  assert.deepEqual(missing, [], 'what passed is in the list');
}

function nameAndDigest({ fields }: MeasurementEntry): string {
  return `${Buffer.from(fields.name ?? []).toString()} ${hex(fields.digest?.value)}`;
}

async function underLoad(
  t: TestContext,
  mount: string,
  targets: Targets,
  start: () => Victims,
): Promise<{ readonly loads: readonly LoadResult[]; readonly outages: readonly Outage[] }> {
  t.diagnostic(`ASSAY_SEED=${SEED} ASSAY_KILLS=${KILLS}`);
  await using victims = start();
  await answers(victims, mount);
  const stop = join(scratch(t), 'stop');
  const running = Array.from({ length: LOADS }, (_, at) =>
    load({ mount, name: String(at), seed: SEED + at, rate: RATE, files: FILES, stop }),
  );
  try {
    const outages = await strikes(t, targets, victims, mount);
    writeFileSync(stop, '');
    return { outages, loads: await Promise.all(running) };
  } finally {
    writeFileSync(stop, '');
  }
}

function hex(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString('hex');
}

/** Until both processes are there, and give verdicts. */
async function answers(victims: Victims, mount: string): Promise<void> {
  const isWhole = (): boolean => new Set(engineProcesses(victims.mark).map(({ role }) => role)).size === 2;
  const isRefused = async (): Promise<boolean> => !(await opens(join(mount, 'tampered-0')));
  for (const end = now() + 200_000; now() < end; await delay(50)) {
    if (isWhole() && (await isRefused()) && (await opens(join(mount, 'good-0')))) return;
  }
  throw new Error(`nobody answers: ${victims.output}`);
}

async function strikes(t: TestContext, targets: Targets, victims: Victims, mount: string): Promise<readonly Outage[]> {
  const random = randomNumbers(SEED);
  const outages: { from: number; until: number }[] = [];
  const isWhole = async (): Promise<void> => {
    await answers(victims, mount);
    for (const outage of outages) outage.until = Math.min(outage.until, now());
  };
  for (let count = 0; count < KILLS; count++) {
    await delay(300 + random() * 1200);
    const target = targets[(SEED + count) % targets.length] ?? 'engine';
    const outage = { from: now(), until: Infinity };
    strike(target, engineProcesses(victims.mark), random);
    const goesOn = target === 'supervisor' && !victims.isService;
    if (!goesOn) outages.push(outage);
    // Now and then before all is well again; where nobody is left to start the others, that is another promise.
    if (victims.isService && target !== 'hang' && random() < 0.3) continue;
    await isWhole();
    t.diagnostic(`${target}: ${(now() - outage.from).toFixed(0)} ms until all was well`);
  }
  await isWhole();
  return outages;
}

function strike(target: Target, processes: readonly EngineProcess[], random: () => number): void {
  for (const { pid, role } of processes) {
    if (target === 'all' || target === role) killed(pid, 'SIGKILL');
    if (role !== 'engine') continue;
    if (target === 'hang') killed(pid, 'SIGSTOP');
    // A thread does not die alone: the kernel ends the whole process.
    if (target === 'worker') killed(oneOf(threads(pid), random) ?? pid, 'SIGKILL');
  }
}

function threads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map(Number)
      .filter((id) => id !== pid);
  } catch {
    return [];
  }
}

function oneOf<T>(values: readonly T[], random: () => number): T | undefined {
  return values[Math.floor(random() * values.length)];
}

function judgeLoads(t: TestContext, loads: readonly LoadResult[], outages: readonly Outage[]): void {
  const waits = loads.flatMap((result) => result.waits);
  const sum = (of: (result: LoadResult) => number): number => loads.reduce((total, result) => total + of(result), 0);
  const slowest = Math.max(...loads.map((result) => result.slowest));
  const answering = Math.max(0, ...waits.map((wait) => waited(wait, outages)));
  t.diagnostic(`${sum(({ opened }) => opened)} openings allowed, ${sum(({ refused }) => refused)} refused`);
  t.diagnostic(
    `the slowest waited ${slowest.toFixed(0)} ms, ${answering.toFixed(0)} ms of it for somebody who could answer`,
  );
  assert.deepEqual(
    loads.flatMap(({ wrong }) => wrong),
    [],
  );
  assert.ok(answering < HANG_MS, JSON.stringify({ waits, outages }));
}

/** The list, which explains PCR 10 in every bank. */
async function replayed(directory: string, socketPath: string): Promise<readonly MeasurementEntry[]> {
  const tpm = new Tpm(await connectSwtpm(socketPath));
  try {
    const banks = await tpm.activeBanks();
    const lists = banks.map((bank) => {
      const bytes = new Uint8Array(readFileSync(join(directory, `binary_runtime_measurements_${bank}`)));
      return { bank, entries: parseBinaryList(bytes, { bank }).entries };
    });
    for (const { bank, entries } of lists) {
      const { value } = replay(nodeHasher, { bank, pcr: 10, value: emptyPcr(bank) }, entries);
      assert.equal(hex((await tpm.readPcrs(bank, [10])).get(10)), hex(value), bank);
    }
    return lists[0]?.entries ?? [];
  } finally {
    await tpm.close();
  }
}
