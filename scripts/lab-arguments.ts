import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { isKernelSeries, KERNEL_SERIES, type KernelSeries } from '@assay/testkit/lab';

export interface BootCommand {
  readonly name: 'boot';
  readonly kernel: KernelSeries;
  /** Path of the script, or `-` for standard input. */
  readonly script: string;
  readonly arguments: readonly string[];
  readonly cmdline: string | undefined;
  readonly files: readonly { readonly host: string; readonly guest: string }[];
  readonly out: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly memoryMiB: number | undefined;
  readonly tpmState: string | undefined;
  /** UEFI firmware, without keys or with those of the lab; a BIOS without it. */
  readonly uefi: 'setup-mode' | 'secure-boot' | undefined;
  readonly verbose: boolean;
}

export type LabCommand =
  | BootCommand
  | { readonly name: 'update'; readonly kernels: readonly KernelSeries[] }
  | { readonly name: 'help' };

/** A wrong use of the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OPTIONS = {
  kernel: { type: 'string', multiple: true },
  cmdline: { type: 'string' },
  file: { type: 'string', multiple: true },
  out: { type: 'string' },
  timeout: { type: 'string' },
  memory: { type: 'string' },
  'tpm-state': { type: 'string' },
  uefi: { type: 'boolean' },
  'secure-boot': { type: 'boolean' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * @param argv without node and the script
 * @throws UsageError
 */
export function parseLabArguments(argv: readonly string[]): LabCommand {
  const { values, positionals } = read(argv);
  const [name, script, ...rest] = positionals;
  if (values.help === true) return { name: 'help' };
  const kernels = (values.kernel ?? []).map(kernelOf);
  if (name === 'update') {
    if (script !== undefined) throw new UsageError(`update takes no ${script}`);
    return { name, kernels: kernels.length === 0 ? KERNEL_SERIES : kernels };
  }
  if (name !== 'boot') throw new UsageError(`the command is boot or update, not ${name ?? 'missing'}`);
  const [kernel] = kernels;
  if (kernel === undefined || kernels.length > 1)
    throw new UsageError(`boot takes one --kernel ${KERNEL_SERIES.join('|')}`);
  if (script === undefined) throw new UsageError('boot takes a SCRIPT behind --');
  return {
    name,
    kernel,
    script,
    arguments: rest,
    cmdline: values.cmdline,
    files: (values.file ?? []).map(fileOf),
    out: values.out,
    timeoutMs: positive('--timeout', values.timeout, 1000),
    memoryMiB: positive('--memory', values.memory, 1),
    tpmState: values['tpm-state'],
    uefi: firmwareOf(values.uefi ?? false, values['secure-boot'] ?? false),
    verbose: values.verbose ?? false,
  };
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function kernelOf(name: string): KernelSeries {
  if (isKernelSeries(name)) return name;
  throw new UsageError(`the lab has no kernel ${name}: it has ${KERNEL_SERIES.join(', ')}`);
}

function firmwareOf(isUefi: boolean, isSecure: boolean): BootCommand['uefi'] {
  if (isSecure && !isUefi) throw new UsageError('--secure-boot needs --uefi');
  if (!isUefi) return undefined;
  return isSecure ? 'secure-boot' : 'setup-mode';
}

/** `HOST=GUEST`, or `HOST` for its last name. */
function fileOf(value: string): { host: string; guest: string } {
  const equals = value.lastIndexOf('=');
  return equals < 0
    ? { host: value, guest: basename(value) }
    : { host: value.slice(0, equals), guest: value.slice(equals + 1) };
}

function positive(option: string, value: string | undefined, unit: number): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new UsageError(`${option} takes a whole number from 1 to 999999`);
  return Number(value) * unit;
}

export const LAB_USAGE = `usage: npm run lab -- boot --kernel ${KERNEL_SERIES.join('|')} [options] -- SCRIPT [ARGUMENT...]
       npm run lab -- update [--kernel NAME]...

Boots a Debian kernel in QEMU with IMA, EVM and a software TPM, runs SCRIPT in it as root, and exits with its status.
SCRIPT is a file with a #! line, or - for standard input. It runs in /lab, and what it leaves in /lab/out is brought
back. \`update\` looks for newer kernels; without it, those in the cache are used.

  --kernel NAME       the series of the kernel
  --cmdline WORDS     more words for the command line of the kernel, such as 'ima_policy=tcb ima_hash=sha384'
  --file HOST[=NAME]  a file for /lab; may be repeated
  --out DIR           where files from /lab/out go (default: a new temporary directory, which is named at the end)
  --timeout SECONDS   limit for the guest (default 600)
  --memory MIB        memory of the guest (default 1024)
  --tpm-state DIR     keeps the TPM in a directory, for the next boot (default: a new TPM for each boot)
  --uefi              boots by UEFI firmware (OVMF) in setup mode, not by a BIOS; its event log is in
                      /sys/kernel/security/tpm0, its variables in /sys/firmware/efi/efivars
  --secure-boot       with --uefi: with keys of the lab's own, one of which has signed the kernel
  --verbose           shows the console of the guest on standard error
  -h, --help          this

Examples:
  npm run lab -- boot --kernel 6.12 --cmdline ima_policy=tcb -- ./case.sh
  npm run lab -- boot --kernel 7.2 --uefi --secure-boot -- ./case.sh
  echo 'cat /sys/kernel/security/ima/ascii_runtime_measurements' | npm run --silent lab -- boot --kernel 6.1 -- -

Exit codes: those of SCRIPT; 2 wrong usage, 124 time limit, 125 the lab failed (no QEMU, no network, the guest died),
130 interrupted.`;
