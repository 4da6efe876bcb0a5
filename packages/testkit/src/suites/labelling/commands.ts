import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from '../../lab/tools.ts';
import { DEBIAN_EVMCTL } from '../../peers/index.ts';

/** Keys that sign, as `assay key generate --type` names them. */
export const KEY_TYPES = ['rsa2048', 'rsa4096', 'p256', 'p384', 'p521'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** The command of this project, or that of ima-evm-utils. */
export type Tool = 'assay' | 'evmctl';

/** A program and its arguments. */
export type Command = readonly [program: Tool, ...args: string[]];

const ASSAY = fileURLToPath(new URL('../../../../cli/bin/assay.js', import.meta.url));

/** How runTool names what fails outside the guest. */
export const FAILED = { code: 'LAB-TOOL' } as const;

/** Runs it as people do. @throws SystemError LAB-TOOL where it is missing or fails */
export async function runCommand([program, ...args]: Command): Promise<void> {
  if (program === 'assay') await runTool(process.execPath, [ASSAY, ...args], FAILED);
  else await runTool(DEBIAN_EVMCTL, args, FAILED);
}

/** Makes `TYPE.pem` and its certificate `TYPE.der`. @throws SystemError LAB-TOOL */
export async function makeSigningKey(directory: string, type: KeyType): Promise<void> {
  const files = ['--out', join(directory, `${type}.pem`), '--cert', join(directory, `${type}.der`)];
  await runCommand(['assay', 'key', 'generate', '--type', type, '--name', type, ...files]);
}

/** Makes `evm.blob` under the master key `kmk`. @throws SystemError LAB-TOOL */
export async function makeEvmKey(directory: string): Promise<void> {
  const files = ['--out', join(directory, 'evm.blob'), '--master-key', join(directory, 'kmk')];
  await runCommand(['assay', 'key', 'generate', '--type', 'evm', ...files]);
}
