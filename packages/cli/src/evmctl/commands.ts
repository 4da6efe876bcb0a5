import type { Run } from './run.ts';

/** How a command of evmctl begins; each is loaded when it is asked for, because scripts start one process a file. */
export interface EvmctlCommand {
  /** Words that it needs behind its name. */
  readonly needs: 0 | 1;
  /** Gives false where what it needs is missing all the same. */
  readonly start: (run: Run, words: readonly string[]) => Promise<boolean | void>;
}

export const COMMANDS: ReadonlyMap<string, EvmctlCommand> = new Map([
  ['sign', onPath(async (run, path) => (await import('./label-commands.ts')).signMetadata(run, path))],
  ['verify', onPath(async (run, path) => (await import('./metadata-commands.ts')).verifyMetadata(run, path))],
  ['ima_sign', onPath(async (run, path) => (await import('./label-commands.ts')).imaSign(run, path))],
  ['ima_verify', onPath(async (run, ...paths) => (await import('./label-commands.ts')).imaVerify(run, ...paths))],
  ['ima_hash', onPath(async (run, path) => (await import('./label-commands.ts')).imaHash(run, path))],
  ['ima_fix', onPath(async (run, path) => (await import('./label-commands.ts')).imaFix(run, path))],
  ['ima_clear', onPath(async (run, path) => (await import('./label-commands.ts')).imaClear(run, path))],
  ['ima_measurement', onPath(async (run, path) => (await import('./measurement.ts')).imaMeasurement(run, path))],
  ['hmac', onPath(async (run, path) => (await import('./metadata-commands.ts')).hmac(run, path))],
  ['ima_setxattr', free(async (run, ...words) => (await import('./label-commands.ts')).imaSetXattr(run, words))],
  ['ima_boot_aggregate', free(async (run, log) => (await import('./boot-aggregate.ts')).bootAggregate(run, log))],
  ['import', free(async (run, path, ring) => (await import('./import-commands.ts')).importKey(run, path, ring))],
  ['convert', free(async (run, path) => (await import('./import-commands.ts')).convertKey(run, path))],
  ['sign_hash', free(async (run) => (await import('./sign-hash.ts')).signHashes(run))],
]);

function onPath(start: (run: Run, path: string, ...more: string[]) => Promise<void>): EvmctlCommand {
  return { needs: 1, start: (run, [path = '', ...more]) => start(run, path, ...more) };
}

function free(start: (run: Run, ...words: string[]) => Promise<boolean | void>): EvmctlCommand {
  return { needs: 0, start: (run, words) => start(run, ...words) };
}
