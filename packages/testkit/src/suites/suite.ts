import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { parseKernelConfig, parseKernelVersion, type KernelProfile } from '@assay/core/policy';
import { bootKernel, type BootOptions, type GuestFile, type KernelSeries, type LabKernel } from '../lab/index.ts';

interface Judged {
  /** For the command line. */
  readonly name: string;
  /** What agrees, for the table. */
  readonly title: string;
  /** Compares what the guests answered with what core says to the same files. */
  judge(answers: readonly GuestAnswer[]): Agreement | Promise<Agreement>;
}

/** Cases from a seed that are asked of a kernel, and of core. */
export interface GuestSuite extends Judged {
  /** The guests to run, one after the other. */
  guests(cases: Cases): readonly Guest[] | Promise<readonly Guest[]>;
}

/** A suite in which something outside the guests takes part, so that it runs them itself. */
export interface LiveSuite extends Judged {
  run(cases: Cases, options: AskOptions): Promise<readonly GuestAnswer[]>;
}

/** Judges in another way what the guests of another suite answered, which are not asked again. */
export interface SecondSuite extends Judged {
  readonly asks: Suite;
}

export type Suite = GuestSuite | LiveSuite | SecondSuite;

export interface Cases {
  readonly kernel: KernelSeries;
  /** A 32-bit integer: the same cases for the same seed. */
  readonly seed: number;
  /** A few, for answers that are kept for tests without a kernel. */
  readonly few: boolean;
}

/** A boot: a program of ./guest to run, and the files that it reads in /lab. */
export interface Guest {
  readonly program: string;
  readonly files: Files;
  /** Words for the command line of the kernel. */
  readonly cmdline?: string;
  readonly timeoutMs: number;
  /** Other firmware, and files that are not kept with the answer. */
  readonly machine?: Pick<BootOptions, 'firmware' | 'files'>;
}

/** By name. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** The kernel that was asked. */
export interface AskedKernel extends Pick<LabKernel, 'series' | 'version' | 'release'> {
  /** What of its configuration bears on integrity. */
  readonly config: string;
}

export interface GuestAnswer {
  readonly kernel: AskedKernel;
  readonly asked: Files;
  /** What the program left in /lab/out. */
  readonly files: Files;
}

/** How often a kernel and core gave the same answer. */
export interface Agreement {
  readonly cases: number;
  /** Besides: how often an answer was another one, and exactly that which is documented; by the reason. */
  readonly approximated?: ReadonlyMap<string, number>;
  /** For people: the case, what the kernel said, what core said. */
  readonly disagreements: readonly string[];
}

export type AskOptions = Pick<BootOptions, 'kernel' | 'signal' | 'onStep' | 'cache'>;

/** What all guests of a suite answer. */
export async function askSuite(
  suite: Suite,
  cases: Omit<Cases, 'kernel'>,
  options: AskOptions,
): Promise<readonly GuestAnswer[]> {
  if ('asks' in suite) return askSuite(suite.asks, cases, options);
  const asked = { ...cases, kernel: options.kernel };
  if ('run' in suite) return suite.run(asked, options);
  const answers: GuestAnswer[] = [];
  for (const guest of await suite.guests(asked)) answers.push(await ask(guest, options));
  return answers;
}

/**
 * Runs a guest to its end.
 * @throws SystemError LAB-GUEST where its program fails, with what it said
 */
export async function ask(guest: Guest, options: AskOptions): Promise<GuestAnswer> {
  const out = await mkdtemp(join(tmpdir(), 'assay-suite-'));
  try {
    const files = [...guest.files].map(([path, data]) => ({ path, data }));
    const { kernel, status, stderr } = await bootKernel({
      ...options,
      ...guest.machine,
      cmdline: guest.cmdline,
      timeoutMs: guest.timeoutMs,
      command: [`./${guest.program}`],
      files: [...files, ...(await programFiles(guest.program)), ...(guest.machine?.files ?? [])],
      out,
    });
    const said = Buffer.from(stderr).toString('utf8').trim();
    if (status !== 0) throw new SystemError('LAB-GUEST', `${guest.program} ended with ${status}: ${said.slice(-2000)}`);
    return { kernel: await askedKernel(kernel), asked: guest.files, files: await readAll(out) };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

const OPTIONS_KEPT = /^CONFIG_(IMA|EVM|INTEGRITY|LSM|SECURITY|CRYPTO|FS_VERITY|TCG)[A-Z0-9_]*=/;

/** What programs of guests import. */
const LIBRARIES = ['ima.py', 'tpm_values.py'];

/** A program of ./guest, with what it imports. */
export async function programFiles(program: string): Promise<GuestFile[]> {
  const read = async (path: string): Promise<Uint8Array> => readFile(join(import.meta.dirname, 'guest', path));
  const libraries = LIBRARIES.map(async (path) => ({ path, data: await read(path) }));
  return [...(await Promise.all(libraries)), { path: program, data: await read(program), executable: true }];
}

/** What of a kernel is kept beside an answer. */
export async function askedKernel({ series, version, release, config }: LabKernel): Promise<AskedKernel> {
  const lines = (await readFile(config, 'utf8')).split('\n').filter((line) => OPTIONS_KEPT.test(line));
  return { series, version, release, config: `${lines.join('\n')}\n` };
}

/** The files of a directory, by name. */
export async function readAll(directory: string): Promise<Map<string, Buffer>> {
  const names = await readdir(directory);
  const files = names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(join(directory, name))]);
  return new Map(await Promise.all(files));
}

/**
 * A file that was asked about or answered.
 * @throws SystemError LAB-GUEST where it is missing
 */
export function fileOf(files: Files, name: string): Uint8Array {
  const file = files.get(name);
  if (file === undefined) throw new SystemError('LAB-GUEST', `the guest left no file ${name}`);
  return file;
}

/** The same as text. */
export function textOf(files: Files, name: string): string {
  return Buffer.from(fileOf(files, name)).toString('utf8');
}

/** What the configuration of a kernel of the lab says of its policies. */
export function profileOf({ release, config }: AskedKernel): KernelProfile {
  return { name: release, version: parseKernelVersion(release), ...parseKernelConfig(config) };
}

/** The answer of a suite that runs one guest. */
export function theOnly([answer, ...rest]: readonly GuestAnswer[]): GuestAnswer {
  if (answer === undefined || rest.length > 0) throw new RangeError('the suite runs one guest');
  return answer;
}
