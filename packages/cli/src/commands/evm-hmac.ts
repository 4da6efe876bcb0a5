import { readEvmKey } from '../labels/evm-key.ts';
import {
  boundChoice,
  BoundOptions,
  EvmKeyOptions,
  Paths,
  TreeCommandOptions,
  WritingOptions,
} from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';

const Options = TreeCommandOptions.extend({
  ...BoundOptions.shape,
  ...EvmKeyOptions.shape,
  ...WritingOptions.shape,
});

/** `assay evm hmac PATH...` */
export async function hmacFiles(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const key = await readEvmKey(options.evmKey, options.masterKey);
  const job = { kind: 'evm-hmac', key, form: boundChoice(options), dryRun: options.dryRun } as const;
  return overTree(Paths.parse(paths), options, job, 'assay.evm-hmac.v1');
}
