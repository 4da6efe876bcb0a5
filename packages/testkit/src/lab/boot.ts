import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable, utf8 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { startGuestSwtpm } from '../swtpm/index.ts';
import { findBusybox } from './busybox.ts';
import { defaultCache } from './cache.ts';
import { initrd, type GuestFile } from './initrd.ts';
import { labKernel, type FetchOptions, type KernelSeries, type LabKernel } from './kernels.ts';
import { runMachine, type GuestStream, type Machine, type MachineEnd } from './qemu.ts';
import { rootImage } from './root-image.ts';
import { type Firmware, systemPartition } from './firmware.ts';
import { runTool } from './tools.ts';

export interface BootOptions {
  readonly kernel: KernelSeries;
  /** Added to the command line of the kernel, such as `ima_policy=tcb`. */
  readonly cmdline?: string | undefined;
  /** What to run, as root, in /lab: a path there or of Debian, and its arguments. */
  readonly command: readonly string[];
  /** Files for /lab. */
  readonly files?: readonly GuestFile[];
  /** Path of an ext4 image that the guest has at /mnt, to read. */
  readonly tree?: string | undefined;
  /** A port of the loopback of this machine, which the guest reaches at {@link GUEST_PEER}; without it, no network. */
  readonly port?: number | undefined;
  /** Boots by UEFI instead of a BIOS. */
  readonly firmware?: Firmware | undefined;
  /** Existing directory that receives what the script left in /lab/out. */
  readonly out: string;
  /** For the run inside, from power on; 10 minutes without it. */
  readonly timeoutMs?: number | undefined;
  readonly memoryMiB?: number | undefined;
  /** Directory where the seeds and counters of the TPM stay from boot to boot; without one, each boot has a new TPM. */
  readonly tpmState?: string | undefined;
  /** Ends QEMU and the TPM when it aborts. */
  readonly signal?: AbortSignal | undefined;
  readonly onOutput?: ((stream: GuestStream, piece: Uint8Array) => void) | undefined;
  /** Told of steps that take long. */
  readonly onStep?: ((sentence: string) => void) | undefined;
  /** Directory that keeps kernels and root file systems; {@link defaultCache} without it. */
  readonly cache?: string | undefined;
}

/** What a guest did. */
export interface GuestRun {
  readonly kernel: LabKernel;
  /** Exit status of the command, as its shell gives it. */
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Messages of the kernel. */
  readonly console: Uint8Array;
}

const TIMEOUT_MS = 10 * 60 * 1000;
const MEMORY_MIB = 1024;
const RESULTS_BYTES = 512 * 1024 * 1024;

/**
 * Only warnings of the kernel on the slow serial line; a panic ends the machine at once; no check whether the timer ticks
 * often enough, which an emulated machine on a busy host does not pass.
 */
const CMDLINE = 'console=ttyS0 panic=-1 loglevel=4 mitigations=off no_timer_check';

/**
 * Fetches and builds what guests need, so that what is missing is told before anything runs.
 * @throws SystemError LAB-TOOL, LAB-PACKAGES, as {@link bootKernel}
 */
export async function prepareLab(kernels: readonly KernelSeries[], options: FetchOptions): Promise<void> {
  await runTool('qemu-system-x86_64', ['--version'], { code: 'LAB-TOOL', signal: options.signal });
  await findBusybox();
  for (const series of kernels) await labKernel(series, options);
  await rootImage(options);
}

/**
 * Boots a kernel with IMA, EVM and a TPM of its own, runs one command in it, and brings back what that left.
 * @throws SystemError LAB-TOOL without QEMU or swtpm, LAB-PACKAGES where kernel or root file system cannot be fetched,
 * LAB-TIMEOUT, LAB-GUEST where the guest ended before the command did
 */
export async function bootKernel(options: BootOptions): Promise<GuestRun> {
  const { cache = defaultCache(), signal, onStep } = options;
  await runTool('qemu-system-x86_64', ['--version'], { code: 'LAB-TOOL', signal });
  const busybox = await findBusybox();
  const kernel = await labKernel(options.kernel, { cache, signal, onStep });
  const root = await rootImage({ cache, signal, onStep });
  const directory = await mkdtemp(join(tmpdir(), 'assay-lab-'));
  try {
    const { command, files = [], port } = options;
    const start = { kernel, busybox, command, files, network: port !== undefined };
    const results = join(directory, 'results.img');
    await writeFile(join(directory, 'initrd'), await initrd(start));
    await makeSparse(results, RESULTS_BYTES);
    const end = await runGuest(options, { kernel, busybox, root, results, directory });
    const status = await unpackResults(results, { directory, end, out: options.out, signal });
    const { stdout, stderr, console: messages } = end;
    return { kernel, status, stdout, stderr, console: messages };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeSparse(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(bytes);
}

interface Parts {
  readonly kernel: LabKernel;
  readonly busybox: string;
  readonly root: string;
  readonly results: string;
  /** Holds the initial RAM file system. */
  readonly directory: string;
}

async function runGuest(options: BootOptions, parts: Parts): Promise<MachineEnd> {
  const { kernel, busybox, root, results } = parts;
  const { timeoutMs = TIMEOUT_MS, memoryMiB = MEMORY_MIB, tpmState, tree, port, onOutput } = options;
  const tpm = await startGuestSwtpm(tpmState);
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const end = await runMachine(
      {
        start: await startOf(options, parts),
        disks: { root, modules: kernel.modules, results, tree },
        network: port === undefined ? undefined : { port, busybox },
        tpmSocket: tpm.socketPath,
        memoryMiB,
      },
      { signal: options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]), onOutput },
    );
    options.signal?.throwIfAborted();
    if (!limit.aborted) return end;
    throw new SystemError('LAB-TIMEOUT', `the guest did not end in ${timeoutMs / 1000} s; ${lastWords(end)}`);
  } finally {
    await tpm.stop();
  }
}

async function startOf(options: BootOptions, { kernel, directory }: Parts): Promise<Machine['start']> {
  const { cmdline = '', firmware, signal } = options;
  const start = {
    kernel: kernel.image,
    initrd: join(directory, 'initrd'),
    cmdline: `${CMDLINE} ${cmdline}`.trim(),
  };
  if (firmware === undefined) return start;
  const { code, variables } = firmware;
  return { code, variables, systemPartition: await systemPartition(start, { directory, firmware, signal }) };
}

interface Results {
  readonly directory: string;
  readonly end: MachineEnd;
  readonly out: string;
  readonly signal: AbortSignal | undefined;
}

/** @returns the exit status of the command */
async function unpackResults(image: string, { directory, end, out, signal }: Results): Promise<number> {
  const unpacked = join(directory, 'results');
  await mkdir(unpacked);
  const tool = { code: 'LAB-GUEST', signal } as const;
  await runTool('tar', ['-xf', image, '--no-same-owner', '-C', unpacked], tool).catch(() => '');
  const status = await readFile(join(unpacked, 'status'), 'latin1').catch(() => '');
  if (!/^\d{1,3}\n$/.test(status)) {
    throw new SystemError('LAB-GUEST', `the guest ended before its script did; ${lastWords(end)}`);
  }
  await runTool('cp', ['-a', `${unpacked}/out/.`, out], tool);
  return Number(status);
}

const LAST_LINES = 8;

/** Why a kernel panicked, if it did, and the end of what the guest and QEMU said, for an error. */
function lastWords({ console: messages, complaint }: MachineEnd): string {
  const lines = `${Buffer.from(messages).toString('latin1')}\n${complaint}`.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '');
  const words = [...said.filter((line) => line.includes('Kernel panic')).slice(0, 1), ...said.slice(-LAST_LINES)];
  const shown = words.map((line) => `\n  ${printable(utf8(line))}`).join('');
  return shown === '' ? 'it said nothing' : `its last words:${shown}`;
}
