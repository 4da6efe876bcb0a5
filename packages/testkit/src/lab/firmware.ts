import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { runTool } from './tools.ts';

/** UEFI firmware. */
export interface Firmware {
  /** Path of its code. */
  readonly code: string;
  /** Path of the flash with its variables, which is written to: they stay from boot to boot. */
  readonly variables: string;
  /** Signs the program that it starts; without it, that is not signed. */
  readonly sign?: ((image: string) => Promise<void>) | undefined;
}

/** Debian's UEFI firmware: with Secure Boot, and a flash without keys. */
const OVMF = { code: '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' } as const;
/** The program of systemd that starts the kernel with which it is one file. */
const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';

/**
 * Firmware in setup mode: without keys, it starts whatever it is given.
 * @param variables path for its flash
 * @throws SystemError LAB-TOOL without OVMF
 */
export async function firmwareInSetupMode(variables: string): Promise<Firmware> {
  return firmwareOf(OVMF.variables, variables);
}

/**
 * Which firmware there is, in hexadecimal: a flash is of use to no other.
 * @throws SystemError LAB-TOOL without OVMF
 */
export async function firmwareVersion(): Promise<string> {
  needs(OVMF.code, 'ovmf');
  const parts = await Promise.all([readFile(OVMF.code), readFile(OVMF.variables)]);
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
}

/** Firmware with a copy of a flash. */
export async function firmwareOf(flash: string, variables: string): Promise<Firmware> {
  needs(OVMF.code, 'ovmf');
  await copyFile(flash, variables);
  return { code: OVMF.code, variables };
}

function needs(path: string, packageName: string): void {
  if (existsSync(path)) return;
  const install = `apt-get install --no-install-recommends ${packageName}`;
  throw new SystemError('LAB-TOOL', `${path} is missing: ${install}`);
}

/** What a kernel starts with. */
export interface KernelStart {
  readonly kernel: string;
  readonly initrd: string;
  readonly cmdline: string;
}

interface PartitionOptions {
  readonly directory: string;
  readonly firmware: Pick<Firmware, 'sign'>;
  readonly signal: AbortSignal | undefined;
}

/**
 * A directory with what the firmware starts: kernel, initial RAM file system and command line as one program (a unified
 * kernel image, UAPI.5), since Secure Boot vouches for whole programs.
 */
export async function systemPartition(start: KernelStart, options: PartitionOptions): Promise<string> {
  const { directory, firmware, signal } = options;
  needs(STUB, 'systemd-boot-efi');
  const partition = join(directory, 'system');
  await mkdir(join(partition, 'EFI/BOOT'), { recursive: true });
  const image = join(partition, 'EFI/BOOT/BOOTX64.EFI');
  const cmdline = join(directory, 'cmdline');
  await writeFile(cmdline, start.cmdline);
  const sections = await placed([
    ['.cmdline', cmdline],
    ['.linux', start.kernel],
    ['.initrd', start.initrd],
  ]);
  await runTool('objcopy', [...sections, STUB, image], { code: 'LAB-GUEST', signal });
  await firmware.sign?.(image);
  return partition;
}

/** Behind the sections of the stub; the kernel far enough from address zero, as systemd's own tools lay it out. */
const FIRST_ADDRESS = 0x2000000;
const PAGE = 4096;

async function placed(sections: readonly (readonly [name: string, path: string])[]): Promise<string[]> {
  let address = FIRST_ADDRESS;
  const options: string[] = [];
  for (const [name, path] of sections) {
    options.push('--add-section', `${name}=${path}`, '--change-section-vma', `${name}=0x${address.toString(16)}`);
    address += Math.ceil((await stat(path)).size / PAGE) * PAGE;
  }
  return options;
}
