// Runs in a guest: the gate in the kernel, and a process that tries to get past it. Leaves in /lab/out what came of it.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { parseKernelVersion } from '@assay/core/policy';
import { EngineControl, engineProfile, policyOfText, type DeciderSetup } from '@assay/engine/decision';
import { Gate } from '@assay/engine/gate';
import { INSIDE, OUTSIDE, PHASES, PLACES, PROOF, REFUSED, WATCHED, type Step } from './names.ts';

const OUT = '/lab/out';
const CGROUP = join(PLACES.cgroups, 'assay');
const POLICY = 'measure func=BPRM_CHECK\nmeasure func=MMAP_CHECK\n';
const LIMIT_MS = 300_000;
/** Told to another process of this program, which is to be an engine. */
const ENFORCING = 'enforcing';
/** An emulated machine is slow, and late answers are not what is tried here. */
const ANSWER_LIMIT_MS = 120_000;

/** Words of the head of a small program for x86-64 (elf(5)): where they are, and what they hold. */
const SHORT = [
  [16, 2],
  [18, 62],
  [52, 64],
  [54, 56],
  [56, 1],
] as const;
const MIDDLE = [
  [20, 1],
  [64, 1],
  [68, 5],
] as const;
const HEAD = 120;
const BASE = 0x40_0000;

/** exit(0), with room behind it. */
function smallProgram(): Buffer {
  const code = Buffer.from('b83c00000031ff0f05', 'hex');
  const bytes = Buffer.alloc(6000, 'x');
  bytes.fill(0, 0, HEAD);
  Buffer.from('7f454c46020101', 'hex').copy(bytes);
  for (const [offset, value] of SHORT) bytes.writeUInt16LE(value, offset);
  for (const [offset, value] of MIDDLE) bytes.writeUInt32LE(value, offset);
  const size = HEAD + code.length;
  const long = [BASE + HEAD, 64, BASE, BASE, size, size, 4096];
  for (const [index, offset] of [24, 32, 80, 88, 96, 104, 112].entries())
    bytes.writeBigUInt64LE(BigInt(long[index] ?? 0), offset);
  code.copy(bytes, HEAD);
  return bytes;
}

function run(command: string, ...given: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, given, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${given.join(' ')}: ${error?.message ?? stderr}`);
}

function makeFiles(): void {
  for (const path of Object.values(PLACES)) mkdirSync(path);
  writeFileSync('/run/image', gunzipSync(readFileSync('/lab/image.gz')));
  run('modprobe', 'loop');
  run('mount', '-o', 'loop', '/run/image', PLACES.ext4);
  for (const path of [PLACES.tmpfs, PLACES.other, PLACES.gone]) run('mount', '-t', 'tmpfs', 'assay', path);
  run('modprobe', 'overlay');
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => join(PLACES.other, name));
  for (const path of [lower, upper, work]) mkdirSync(path ?? '');
  run('mount', '-t', 'overlay', 'assay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, PLACES.overlay);
  run('mount', '-t', 'cgroup2', 'assay', PLACES.cgroups);
  mkdirSync(CGROUP);
  for (const place of [PLACES.ext4, PLACES.tmpfs, PLACES.overlay, PLACES.other]) {
    writeFileSync(join(place, 'program'), smallProgram(), { mode: 0o755 });
    for (const name of ['data', ...PHASES.flatMap((phase) => [`data-${phase}`, `more-data-${phase}`])])
      writeFileSync(join(place, name), 'no program'.repeat(1000));
  }
}

/** A process that does what it is told. */
class Attacker {
  readonly #child = spawn('/usr/bin/python3', ['/mnt/attacks.py'], { stdio: ['pipe', 'pipe', 'inherit'] });
  readonly #answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();

  async does(action: string, path: string): Promise<string> {
    this.#child.stdin.write(`${JSON.stringify([action, path])}\n`);
    const next = await this.#answers.next();
    if (next.done === true) throw new Error('the process ended');
    return String(JSON.parse(next.value));
  }

  end(): void {
    this.#child.stdin.end();
  }
}

const rows: string[] = [];
const records = new Set<string>();
const gaps = new Set<string>();
const measured = new Set<string>();

async function tries(attacker: Attacker, phase: string, steps: readonly Step[]): Promise<void> {
  for (const [action, given] of steps) {
    const path = given.replace('PHASE', phase);
    const answer = await attacker.does(action, path);
    rows.push([phase, action, path, answer].join('\t'));
  }
}

/** @throws Error after the time limit */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(100)) if (await holds()) return;
  throw new Error(`not in time: ${what}`);
}

async function startGate(control: EngineControl, mounts: readonly string[]): Promise<Gate> {
  const profile = engineProfile(parseKernelVersion('6.12'));
  const { rules, failSecurely } = policyOfText('test', Buffer.from(POLICY), profile);
  const decider: DeciderSetup = {
    epoch: 1,
    rules,
    failSecurely,
    kernel: { profile, imaHash: 'sha256', template: 'ima-ng' },
    keys: [],
    updaters: [],
    relabel: 'updaters',
    control: control.memory,
  };
  const bpf = { mode: 'enforce', cgroups: [CGROUP] } as const;
  const gate = await Gate.start({ mounts, decider, answerLimit: ANSWER_LIMIT_MS, bpf });
  gate.connect({
    message: (message) => {
      if (message.kind === 'lost') gaps.add(message.reason);
      if (message.kind === 'decided') {
        for (const { denied, func, cause, path } of message.audits)
          records.add([denied ? 'refused' : 'passed', func, cause, Buffer.from(path).toString()].join(' '));
        for (const { fields } of message.entries) measured.add(Buffer.from(fields.name ?? []).toString());
      }
      gate.acknowledge(message.sequence);
    },
    ended: (error) => {
      if (error !== undefined) process.stderr.write(`${String(error)}\n`);
    },
  });
  return gate;
}

/** The number of a file system that goes is that of the next one, which nobody watches. */
function replaceGone(): void {
  const before = statSync(PLACES.gone).dev;
  run('umount', PLACES.gone);
  run('mount', '-t', 'tmpfs', 'assay', PLACES.next);
  const { dev } = statSync(PLACES.next);
  if (dev !== before) throw new Error('the next file system has another number');
  writeFileSync(join(PLACES.next, 'program'), smallProgram(), { mode: 0o755 });
}

/** An engine that is killed takes its programs with it. */
async function killed(inside: Attacker): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, ENFORCING], { stdio: ['ignore', 'ignore', 'inherit'] });
  await until('the other one refuses', async () => (await inside.does(...PROOF)) === REFUSED);
  child.kill('SIGKILL');
  await once(child, 'close');
  await tries(inside, 'killed', INSIDE);
}

async function main(): Promise<void> {
  makeFiles();
  const [outside, inside] = [new Attacker(), new Attacker()];
  const isProofRefused = async (): Promise<boolean> => (await inside.does(...PROOF)) === REFUSED;
  await inside.does('enter', CGROUP);
  const control = new EngineControl();
  control.mode = 'log';
  const gate = await startGate(control, [...WATCHED, PLACES.gone]);
  await tries(outside, 'log', OUTSIDE);
  await tries(inside, 'log', INSIDE);
  control.mode = 'enforce';
  gate.follow();
  await until('it refuses', isProofRefused);
  await tries(outside, 'enforce', OUTSIDE);
  await tries(inside, 'enforce', INSIDE);
  // What was mapped once is asked about when it is opened again, and may be mapped then.
  const data = `${PLACES.ext4}/data-enforce`;
  await until('it is asked about', async () => (await outside.does('map', data)) === 'mapped' && measured.has(data));
  rows.push(['learned', 'map', data, 'mapped'].join('\t'));
  replaceGone();
  const next = `${PLACES.next}/program`;
  await until('the number is free', async () => (await outside.does('execute', next)) === '0');
  rows.push(['reused', 'execute', next, '0'].join('\t'));
  control.paused = true;
  gate.follow();
  await tries(inside, 'pause', INSIDE);
  control.paused = false;
  gate.follow();
  await until('it refuses again', isProofRefused);
  await until('all is recorded', () => (gate.bpfActivity()?.dropped ?? 1) === 0 && records.size > 0);
  const activity = gate.bpfActivity();
  await gate.stop();
  await tries(inside, 'end', INSIDE);
  await killed(inside);
  for (const attacker of [outside, inside]) attacker.end();
  mkdirSync(OUT, { recursive: true });
  const lines = { tries: rows, records: [...records].toSorted(), gaps: [...gaps].toSorted() };
  for (const [name, all] of Object.entries(lines))
    writeFileSync(join(OUT, name), all.map((line) => `${line}\n`).join(''));
  writeFileSync(join(OUT, 'hooks'), `${activity?.hooks.join(' ')}\n`);
}

if (process.argv[2] === ENFORCING) {
  const control = new EngineControl();
  control.mode = 'enforce';
  await startGate(control, WATCHED);
} else await main();
