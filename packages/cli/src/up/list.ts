import type { EngineOptions } from '@assay/engine';
import { startEngine } from '@assay/engine';
import { SystemError } from '@assay/core/errors';
import { engineList, type KernelIma, type MeasurementSource } from '@assay/linux/ima';
import { chooseMounts, readMounts } from '@assay/linux/mounts';
import type { Tpm } from '@assay/linux/tpm';
import type { ListSource } from '@assay/wire';
import type { State } from './state.ts';

export interface ChosenList {
  readonly kind: ListSource;
  readonly source: MeasurementSource;
  readonly lines: readonly string[];
  stop(reason: string): Promise<void>;
}

/** The kernel's list, where a policy measures something and its TPM can be asked; else the engine's. */
export function listChoice(
  given: 'auto' | 'kernel' | 'engine',
  ima: KernelIma,
  tpmUsable: boolean,
): 'kernel' | 'engine' {
  if (given !== 'auto') return given;
  return ima.state === 'present' && ima.measuring && tpmUsable ? 'kernel' : 'engine';
}

export function openKernelList(ima: KernelIma): ChosenList {
  if (ima.state !== 'present')
    throw new SystemError('KERNEL-LACKS', `no measurement list of the kernel: ${ima.reason}`);
  const lines = [`the kernel's IMA, ${ima.entries} entries so far`];
  return { kind: 'kernel', source: ima.source, lines, stop: () => Promise.resolve() };
}

export interface EngineChoice {
  readonly watch: readonly string[];
  readonly permission: boolean;
}

export async function openEngineList(
  choice: EngineChoice,
  tpm: Tpm,
  state: State,
  log: NonNullable<EngineOptions['log']>,
): Promise<ChosenList> {
  const mounts = choice.watch.length > 0 ? choice.watch : chooseMounts(readMounts()).chosen;
  const directory = state.path('engine');
  const mode = choice.permission ? 'permission' : 'notify';
  const engine = await startEngine({ directory, tpm, mounts, mode, log });
  const lines = [
    `the engine: programs are measured ${choice.permission ? 'before they run' : 'as they start'}, on ${mounts.join(', ')}`,
    `list in ${directory}`,
  ];
  return { kind: 'engine', source: engineList(directory, 'sha256'), lines, stop: (reason) => engine.stop(reason) };
}
