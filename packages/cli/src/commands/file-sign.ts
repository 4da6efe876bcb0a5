import { z } from 'zod';
import { UsageError } from '../exit.ts';
import {
  Paths,
  SigningOptions,
  TreeCommandOptions,
  verityParameters,
  VerityOptions,
  WritingOptions,
} from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { signingKey } from '../labels/signing-key.ts';
import { optionsFrom } from '../options.ts';
import { signAppended } from './file-sign-modsig.ts';

const Options = TreeCommandOptions.extend({
  ...SigningOptions.shape,
  ...WritingOptions.shape,
  ...VerityOptions.shape,
  verity: z.boolean().default(false),
  modsig: z.boolean().default(false),
});

/** `assay file sign PATH...` */
export async function signFiles(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const { dryRun } = options;
  const verity = options.verity ? { verity: verityOf(options) } : {};
  if (options.modsig && options.verity) throw new UsageError('--modsig and --verity exclude each other');
  const key = await signingKey(options);
  if (options.modsig) return signAppended(Paths.parse(paths), key, options);
  return overTree(Paths.parse(paths), options, { kind: 'sign', key, dryRun, ...verity }, 'assay.file-sign.v1');
}

function verityOf(options: z.infer<typeof Options>) {
  const { algorithm } = options;
  if (algorithm === 'sha256' || algorithm === 'sha512') return verityParameters(options, algorithm);
  throw new UsageError('fs-verity has the algorithms sha256 and sha512 only');
}
