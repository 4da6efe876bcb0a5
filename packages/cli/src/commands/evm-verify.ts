import { readLabelKeys } from '../labels/certificates.ts';
import { readEvmKey } from '../labels/evm-key.ts';
import {
  boundChoice,
  BoundOptions,
  CertificateOptions,
  EvmKeyOptions,
  Paths,
  portableChoice,
  TreeCommandOptions,
} from '../labels/options.ts';
import { overTree } from '../labels/over-tree.ts';
import { optionsFrom } from '../options.ts';

const Options = TreeCommandOptions.extend({
  ...BoundOptions.shape,
  ...CertificateOptions.shape,
  ...EvmKeyOptions.partial().shape,
});

/** `assay evm verify PATH...` */
export async function verifyMetadata(paths: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  const { evmKey, masterKey, cert } = options;
  const hmacKey = evmKey === undefined ? {} : { hmacKey: await readEvmKey(evmKey, masterKey) };
  const forms = { bound: boundChoice(options), portable: portableChoice(options) };
  const job = { kind: 'evm-verify', keys: await readLabelKeys(cert), ...hmacKey, ...forms } as const;
  return overTree(Paths.parse(paths), options, job, 'assay.evm-verify.v1');
}
