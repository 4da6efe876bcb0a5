// Boots kernels in QEMU: `npm run lab -- boot --kernel 6.12 -- SCRIPT`; docs/kernel-lab.md
import { mkdir, mkdtemp, mkdtempDisposable, readdir, readFile, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  bootKernel,
  defaultCache,
  firmwareInSetupMode,
  firmwareWithKeys,
  updateKernel,
  type GuestFile,
  type KernelSeries,
} from '@assay/testkit/lab';
import { LAB_USAGE, parseLabArguments, type BootCommand, type LabCommand } from './lab-arguments.ts';
import { interruptible, onStep } from './lab-process.ts';

async function run(command: LabCommand, signal: AbortSignal): Promise<number> {
  if (command.name === 'boot') return boot(command, signal);
  if (command.name === 'update') return update(command.kernels, signal);
  console.log(LAB_USAGE);
  return 0;
}

async function update(kernels: readonly KernelSeries[], signal: AbortSignal): Promise<number> {
  for (const series of kernels) {
    const { version, release } = await updateKernel(series, { cache: defaultCache(), signal, onStep });
    console.log(`${series}: ${version} (${release})`);
  }
  return 0;
}

async function boot(command: BootCommand, signal: AbortSignal): Promise<number> {
  const { script, verbose } = command;
  const files = await Promise.all(command.files.map(readGuestFile));
  const name = script === '-' ? 'script' : basename(script);
  const data = script === '-' ? await buffer(process.stdin) : await readFile(script);
  const out = command.out ?? (await mkdtemp(join(tmpdir(), 'assay-lab-out-')));
  await mkdir(out, { recursive: true });
  await using flash = await mkdtempDisposable(join(tmpdir(), 'assay-lab-flash-'));
  try {
    const { status } = await bootKernel({
      ...command,
      firmware: await firmwareOf(command, join(flash.path, 'variables.fd'), signal),
      command: [`./${name}`, ...command.arguments],
      files: [...files, { path: name, data, executable: true }],
      out,
      signal,
      onStep,
      onOutput: (stream, piece) => {
        if (stream === 'stdout') process.stdout.write(piece);
        else if (stream === 'stderr' || verbose) process.stderr.write(piece);
      },
    });
    return status;
  } finally {
    await tellOfFiles(out, command.out === undefined);
  }
}

async function firmwareOf({ uefi, kernel }: BootCommand, variables: string, signal: AbortSignal) {
  if (uefi === undefined) return undefined;
  if (uefi === 'setup-mode') return firmwareInSetupMode(variables);
  return firmwareWithKeys(variables, { kernel, cache: defaultCache(), signal, onStep });
}

async function readGuestFile({ host, guest }: BootCommand['files'][number]): Promise<GuestFile> {
  const { mode } = await stat(host);
  return { path: guest, data: await readFile(host), executable: (mode & 0o111) !== 0 };
}

/** Names the directory where files came back, and removes one that was made for none. */
async function tellOfFiles(out: string, isOwn: boolean): Promise<void> {
  const names = await readdir(out);
  if (names.length > 0) onStep(`the files of the guest are in ${out}`);
  else if (isOwn) await rmdir(out);
}

await interruptible(async (signal) => run(parseLabArguments(process.argv.slice(2)), signal));
