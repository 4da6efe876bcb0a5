import { readLabelKeys } from '../labels/certificates.ts';
import { CertificateOptions, Paths, TreeCommandOptions, verityParameters, VerityOptions } from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';

const Options = TreeCommandOptions.extend({ ...CertificateOptions.shape, ...VerityOptions.shape });

/** `assay file verify PATH...` */
export async function verifyFiles(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const keys = await readLabelKeys(options.cert);
  const verity = verityParameters(options, 'sha256'); // Its algorithm is that of each label.
  return overTree(Paths.parse(paths), options, { kind: 'verify', keys, verity }, 'assay.file-verify.v1');
}
