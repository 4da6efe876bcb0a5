import { z } from 'zod';
import {
  boundChoice,
  BoundOptions,
  Paths,
  portableChoice,
  SigningOptions,
  TreeCommandOptions,
  WritingOptions,
} from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { signingKey } from '../labels/signing-key.ts';
import { optionsFrom } from '../options.ts';

const Options = TreeCommandOptions.extend({
  ...SigningOptions.shape,
  ...BoundOptions.shape,
  ...WritingOptions.shape,
  portable: z.boolean().default(false),
});

/** `assay evm sign PATH...` */
export async function signMetadata(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const form = options.portable ? portableChoice(options) : boundChoice(options);
  const key = await signingKey(options);
  const job = { kind: 'evm-sign', key, form, dryRun: options.dryRun } as const;
  return overTree(Paths.parse(paths), options, job, 'assay.evm-sign.v1');
}
