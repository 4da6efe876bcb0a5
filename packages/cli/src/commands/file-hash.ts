import { z } from 'zod';
import { AlgorithmOptions, Paths, TreeCommandOptions, WritingOptions } from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';

const Options = TreeCommandOptions.extend({
  ...AlgorithmOptions.shape,
  ...WritingOptions.shape,
  replace: z.boolean().default(false),
});

/** `assay file hash PATH...` */
export function hashFiles(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const { algorithm, dryRun, replace: replaceSignatures } = options;
  return overTree(
    Paths.parse(paths),
    options,
    { kind: 'hash', algorithm, dryRun, replaceSignatures },
    'assay.file-hash.v1',
  );
}
