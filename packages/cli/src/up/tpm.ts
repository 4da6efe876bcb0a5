import { accessSync, constants, existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { fromHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { writePrivateJson } from '@assay/linux/files';
import { connectSwtpm, kernelEventLog, openTpmDevice, parseSocketAddress, Tpm } from '@assay/linux/tpm';
import { startSwtpm, swtpmAvailable } from '@assay/testkit/swtpm';
import { SimulatedTpm } from '@assay/testkit/tpm';
import type { TpmKind } from '@assay/wire';
import { z } from 'zod';
import { UsageError } from '../exit.ts';
import { readStateFile } from '../state-file.ts';
import type { State } from './state.ts';

export const TPM_DEVICE = '/dev/tpmrm0';

export interface ChosenTpm {
  readonly kind: TpmKind;
  readonly tpm: Tpm;
  /** Where the kernel shows what the firmware measured into it; undefined where that went into another TPM, or none. */
  readonly eventLog?: string | undefined;
  /** What it is and what that is worth, for people. */
  readonly lines: readonly string[];
  /** Shuts it down in order and lets it go. */
  release(): Promise<void>;
}

type Choice =
  | { readonly which: 'device' | 'swtpm'; readonly path: string | undefined }
  | { readonly which: 'simulated' };

/** What `--tpm` takes. */
export const TPM_OPTION = /^(?:auto|simulated|(?:device|swtpm)(?::.+)?)$/;

/** Reads `--tpm`. @param device whether `auto` may take the TPM device */
export function tpmChoice(text: string, device: boolean): Choice {
  const [which, ...rest] = text.split(':');
  const path = rest.length > 0 ? rest.join(':') : undefined;
  if (which === 'device' || which === 'swtpm') return { which, path };
  if (text === 'simulated') return { which: 'simulated' };
  if (device && deviceUsable()) return { which: 'device', path: undefined };
  return 'path' in swtpmAvailable() ? { which: 'swtpm', path: undefined } : { which: 'simulated' };
}

export function deviceUsable(): boolean {
  if (!existsSync(TPM_DEVICE)) return false;
  try {
    accessSync(TPM_DEVICE, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @throws SystemError TPM-UNREACHABLE, or TPM-BANK without an active SHA-256 bank */
export async function openTpm(choice: Choice, state: State): Promise<ChosenTpm> {
  const chosen = await OPENERS[choice.which](state, 'path' in choice ? choice.path : undefined);
  try {
    await chosen.tpm.startup();
    const banks = await chosen.tpm.activeBanks();
    if (banks.includes('sha256')) return chosen;
    throw new SystemError('TPM-BANK', `the TPM has no active sha256 bank, only ${banks.join(', ') || 'none'}`);
  } catch (error) {
    await chosen.release();
    throw error;
  }
}

const OPENERS = { device: openDevice, swtpm: openSwtpm, simulated: openSimulated } as const;

async function openDevice(_state: State, path = TPM_DEVICE): Promise<ChosenTpm> {
  const tpm = new Tpm(await openTpmDevice(path));
  const lines = [path, 'nothing proves yet that it is a chip: its key is trusted on first use'];
  return { kind: 'hardware', tpm, eventLog: kernelEventLog(path), lines, release: () => tpm.close() };
}

/** One that is given keeps running; else one is started, with its state beside ours. */
async function openSwtpm(state: State, socket?: string): Promise<ChosenTpm> {
  const started = socket === undefined ? await startSwtpm(state.path('tpm')) : undefined;
  const address = started?.socketPath ?? parseSocketAddress(socket ?? '');
  if (address === undefined) throw new UsageError(`--tpm swtpm:${socket ?? ''} names no socket`);
  const tpm = new Tpm(await connectSwtpm(address));
  const tcti = typeof address === 'string' ? `path=${address}` : `host=${address.host},port=${address.port}`;
  const lines = [
    'swtpm, a software TPM: root on this machine can copy its keys',
    `tpm2-tools reach it with TPM2TOOLS_TCTI=swtpm:${tcti}`,
  ];
  const release = async (): Promise<void> => {
    if (started !== undefined) await tpm.shutdown();
    await tpm.close();
    await started?.stop();
  };
  return { kind: 'software', tpm, lines, release };
}

const SimulatedState = z.object({ seed: z.string().regex(/^[0-9a-f]{64}$/), resetCount: z.int().min(0) });

async function openSimulated(state: State): Promise<ChosenTpm> {
  const tpm = new Tpm(await simulatedChip(state.path('tpm-simulated.json')));
  const lines = ['simulated TPM: no hardware root of trust, for trying things out'];
  return { kind: 'simulated', tpm, lines, release: () => tpm.close() };
}

/** A simulated TPM that keeps its identity: each start of it is a TPM reset, and counts as one. */
export async function simulatedChip(path: string): Promise<SimulatedTpm> {
  const kept = await readStateFile(path, SimulatedState);
  const { seed, resetCount } = kept ?? { seed: randomBytes(32).toString('hex'), resetCount: 0 };
  await writePrivateJson(path, { seed, resetCount: resetCount + 1 });
  return new SimulatedTpm({ seed: fromHex(seed), resetCount }); // TPM2_Startup counts the reset.
}
