import { together, type LiveSuite } from '@assay/testkit/suites';
import { judgeEvmKey } from './judge.ts';

/** Whether kernels take the EVM key that `assay key evm` has made, sealed and loaded, and write the HMACs that core computes. */
export const evmKey: LiveSuite = {
  name: 'evm-key',
  title: 'EVM key of `assay key evm`: sealed, loaded in a guest, its HMACs accepted and written',
  run: async (_cases, options) => (await import('./outside.ts')).loadInGuest(options),
  judge: (answers) => together(answers.map(judgeEvmKey)),
};
