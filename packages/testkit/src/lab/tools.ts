import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SystemError, type SystemCode } from '@assay/core/errors';

/** The Debian package that brings each program of the host. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  'apt-cache': 'apt',
  'apt-get': 'apt',
  '/usr/bin/evmctl': 'ima-evm-utils',
  busybox: 'busybox-static',
  chattr: 'e2fsprogs',
  'cert-to-efi-sig-list': 'efitools',
  depmod: 'kmod',
  'dpkg-deb': 'dpkg',
  mke2fs: 'e2fsprogs',
  mmdebstrap: 'mmdebstrap',
  objcopy: 'binutils',
  'qemu-system-x86_64': 'qemu-system-x86',
  sbsign: 'sbsigntool',
  setpriv: 'util-linux',
  'sign-efi-sig-list': 'efitools',
  swtpm: 'swtpm',
  tar: 'tar',
  xz: 'xz-utils',
};

const OUTPUT_LIMIT = 64 * 1024 * 1024;
const run = promisify(execFile);

/** The environment of programs: without words of another language, and with the directories where mke2fs lies. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  return { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', PATH: `${path}:/usr/sbin:/sbin` };
}

export interface ToolOptions {
  /** The code of the error when it fails. */
  readonly code: SystemCode;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string | undefined;
}

/**
 * Runs a program of the host to its end.
 * @returns what it wrote on standard output
 * @throws SystemError LAB-TOOL where it is not installed, `code` where it fails
 */
export async function runTool(program: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { code, signal, cwd } = options;
  try {
    const { stdout } = await run(program, args, { env: toolEnvironment(), maxBuffer: OUTPUT_LIMIT, signal, cwd });
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    throw toolError(program, error, code);
  }
}

/** @param error what `spawn` or `execFile` gave */
export function toolError(program: string, error: unknown, code: SystemCode): SystemError {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    const install = `apt-get install --no-install-recommends ${PACKAGE_OF[program] ?? program}`;
    return new SystemError('LAB-TOOL', `${program} is not installed: ${install}`, { cause: error });
  }
  return new SystemError(code, `${program} failed: ${lastLines(reasonOf(error))}`, { cause: error });
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' && error.stderr !== '') {
    return error.stderr;
  }
  return error instanceof Error ? error.message : String(error);
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join('; ');
}
