import { hostname, release } from 'node:os';
import { startAgent } from '@assay/agent';
import { kernelIma } from '@assay/linux/ima';
import { readEventLog } from '@assay/linux/tpm';
import type { Verifier } from '@assay/verifier';
import { EVENT_LOG_LIMIT } from '@assay/wire';
import packageJson from '../../package.json' with { type: 'json' };
import { hostNameOf } from '../host-name.ts';
import type { Console } from './console.ts';
import { listChoice, openEngineList, openKernelList } from './list.ts';
import type { State } from './state.ts';
import { deviceUsable, openTpm, tpmChoice } from './tpm.ts';

export interface MachineOptions {
  readonly name?: string | undefined;
  readonly tpm: string;
  readonly list: 'auto' | 'kernel' | 'engine';
  readonly watch: readonly string[];
  readonly permission: boolean;
}

/**
 * Measures and attests this machine. What it starts is left to `cleanup`, to be ended in the reverse order: the engine
 * first, so that its stop record is attested too.
 */
export async function attestMachine(
  options: MachineOptions,
  state: State,
  verifier: Verifier,
  out: Console,
  cleanup: AsyncDisposableStack,
): Promise<void> {
  const ima = kernelIma();
  const which = listChoice(options.list, ima, options.tpm.startsWith('device') || deviceUsable());
  // A TPM into which the kernel measures has its entries in PCR 10, so the engine cannot use that.
  const deviceFits = which === 'kernel' || ima.state === 'absent';
  const chosen = await openTpm(tpmChoice(options.tpm, deviceFits), state);
  cleanup.defer(() => chosen.release());
  const list =
    which === 'kernel'
      ? openKernelList(ima)
      : await openEngineList(options, chosen.tpm, state, (line) => out.log('engine', line));
  const name = options.name ?? hostNameOf(hostname());
  const facts = { tpmKind: chosen.kind, listSource: list.kind, kernel: release(), agentVersion: packageJson.version };
  out.section('list', list.lines);
  out.section('TPM', chosen.lines);
  const { eventLog } = chosen;
  const agent = startAgent({
    name,
    verifierUrl: verifier.url,
    joinToken: state.tokens.join,
    tpm: chosen.tpm,
    source: list.source,
    facts,
    ...(eventLog === undefined ? {} : { eventLog: () => readEventLog(eventLog, EVENT_LOG_LIMIT) }),
    statePath: state.path('agent.json'),
    onPhase: (phase) => out.agent(name, phase),
  });
  cleanup.defer(() => agent.stop());
  cleanup.defer(() => list.stop('assay up was stopped'));
}
