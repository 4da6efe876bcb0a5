import { evmState, type EvmState } from '@assay/linux/evm';
import { evmKeys, type EvmKeysFound } from '@assay/linux/keyrings';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';

/** `assay key evm status`: 3 where this kernel has no EVM, 5 where this process may not ask. */
export function evmKeyStatus(given: unknown): Promise<number> {
  const { output } = optionsFrom(OutputOptions, given);
  const evm = evmState();
  const keys = evmKeys();
  if (output === 'json') printJson({ schema: 'assay.key-evm-status.v1', evm, keys });
  else process.stdout.write(`${evmText(evm)}\n${keysText(keys)}`);
  const codes = { present: EXIT.fine, absent: EXIT.unreadable, unreadable: EXIT.notPermitted };
  return Promise.resolve(codes[evm.state]);
}

function evmText(evm: EvmState): string {
  if (evm.state !== 'present') return `EVM: ${shown(evm.reason)}`;
  const flags = evm.flags.length === 0 ? 'nothing is enabled' : `enabled: ${evm.flags.join(', ')}`;
  return `EVM: ${flags}${evm.fix ? '; evm=fix: labels are mended, not checked' : ''}`;
}

function keysText({ evmKeys: found, certificates }: EvmKeysFound): string {
  const key = found.length === 0 ? 'none that this process may see' : found.join(', ');
  const counts = Object.entries(certificates).map(([name, count]) => `${name}: ${count} certificates\n`);
  return `evm-key: ${key}\n${counts.join('')}`;
}
