import { keyIdOfCertificate } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { importCertificate } from '@assay/linux/keyrings';
import { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { readCertificates } from '../labels/certificates.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';

const Options = OutputOptions.extend({ keyring: z.enum(['.ima', '_ima', '.evm', '_evm']) });

/** `assay key import CERT` */
export async function importKey(path: unknown, given: unknown): Promise<number> {
  const { output, keyring } = optionsFrom(Options, given);
  const [certificate, ...more] = await readCertificates(z.string().parse(path));
  if (certificate === undefined || more.length > 0) throw new UsageError('give a file with one certificate');
  const serial = importCertificate(certificate.raw, keyring);
  const keyId = keyIdOfCertificate(nodeHasher, certificate).toString(16).padStart(8, '0');
  if (output === 'json') printJson({ schema: 'assay.key-import.v1', keyring, serial, keyId });
  else process.stdout.write(`${keyring} has it as key ${serial}; labels name it ${keyId}\n`);
  return EXIT.fine;
}
