import { z } from 'zod';
import { Paths, TreeCommandOptions, verityParameters, VerityOptions, WritingOptions } from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';

const Options = TreeCommandOptions.extend({ ...VerityOptions.shape, algorithm: z.enum(['sha256', 'sha512']) });

/** `assay verity digest PATH...` */
export function computeDigests(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const parameters = verityParameters(options, options.algorithm);
  return overTree(Paths.parse(paths), options, { kind: 'verity-digest', parameters }, 'assay.verity-digest.v1');
}

/** `assay verity enable PATH...` */
export function enableFiles(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options.extend(WritingOptions.shape), given);
  const parameters = verityParameters(options, options.algorithm);
  const job = { kind: 'verity-enable', parameters, dryRun: options.dryRun } as const;
  return overTree(Paths.parse(paths), options, job, 'assay.verity-enable.v1');
}
