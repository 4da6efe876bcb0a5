import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { lockFile, makePrivateDirectory } from '@assay/linux/files';
import { checkedMounts } from './checked-mounts.ts';
import { MeasurementList, pcrsOf } from './list.ts';
import type { Engine, EngineOptions } from './options.ts';
import type { DeciderSetup } from './decision/setup.ts';
import { execSetup } from './decision/exec-setup.ts';
import { Gate } from './gate/gate.ts';
import { TURBO } from './gate/turbo.ts';
import { RunningEngine, type EngineWatch } from './running-engine.ts';
import { startSupervisedGate } from './supervisor/supervised.ts';
import { Watch } from './watch.ts';

/**
 * Measures programs as they are executed on the given mounts: into the list files of the directory and into PCR 10.
 * A list that PCR 10 still holds is continued; after a start of the machine or its TPM a new one is begun.
 * @returns when the mounts are watched and the start record is in the list and in the PCR
 * @throws RangeError for turbo with a supervisor that refuses or with `bpf`; SystemError NOT-PERMITTED, KERNEL-LACKS, BPF-REFUSED, ENGINE-MOUNT, ENGINE-RUNNING, ENGINE-ARCHIVE, PCR-FOREIGN, TPM-BANK; errors of the TPM
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const mounts = checkedMounts(options);
  const unlock = lockDirectory(options.directory);
  try {
    return await startLocked(options, mounts, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function lockDirectory(directory: string): () => void {
  makePrivateDirectory(directory);
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new SystemError('NOT-PERMITTED', `${directory} is not a directory of the user who runs the engine`);
  }
  chmodSync(directory, 0o700);
  const unlock = lockFile(join(directory, 'lock'));
  if (unlock === undefined) throw new SystemError('ENGINE-RUNNING', `another engine writes to ${directory}`);
  return unlock;
}

async function startLocked(options: EngineOptions, mounts: string[], unlock: () => void): Promise<Engine> {
  // The watch comes first: what is executed after the time of the start record is not missed.
  const watch = await startWatch(options, mounts);
  const { list, continued } = await openList(options, watch);
  const watchAgain =
    options.supervision === undefined
      ? (decider: DeciderSetup) => startWatch({ ...options, decider }, mounts)
      : undefined;
  const engine = new RunningEngine(options, mounts, { watch, watchAgain, list, unlock });
  await engine.begin(continued);
  return engine;
}

function startWatch(options: EngineOptions, mounts: readonly string[]): Promise<EngineWatch> {
  const { mode, supervision, decider = execSetup(), log = noLog, allowRootFileSystem = false } = options;
  if (mode === 'notify') return Watch.start(mounts);
  const turbo = options.turbo === true ? { turbo: TURBO } : {};
  const bpf = options.bpf === undefined ? {} : { bpf: options.bpf };
  const common = { mounts, decider, allowRootFileSystem, log, ...turbo, ...bpf };
  if (supervision !== undefined) return startSupervisedGate({ ...common, supervision });
  const { heartbeat, answerLimit } = options;
  return Gate.start({
    ...common,
    ...(heartbeat === undefined ? {} : { heartbeat }),
    ...(answerLimit === undefined ? {} : { answerLimit }),
  });
}

function noLog(): void {
  // Nobody wants to know.
}

async function openList(options: EngineOptions, watch: EngineWatch): ReturnType<typeof MeasurementList.open> {
  try {
    const { directory, tpm, decider = { rules: [] }, archive } = options;
    return await MeasurementList.open(directory, tpm, pcrsOf(decider), archive);
  } catch (error) {
    await watch.stop();
    throw error;
  }
}
