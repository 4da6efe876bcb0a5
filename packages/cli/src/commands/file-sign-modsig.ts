import type { SigningKey } from '@assay/linux/labels';
import { EXIT, UsageError } from '../exit.ts';
import { appendSignature } from '../labels/append-signature.ts';
import { readCertificates } from '../labels/certificates.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';

interface Given {
  readonly output: 'text' | 'json';
  readonly dryRun: boolean;
  readonly cert?: string | undefined;
}

/** `assay file sign --modsig FILE...`: appended to each file, as to a kernel module. */
export async function signAppended(paths: readonly string[], key: SigningKey, given: Given): Promise<number> {
  const { output, dryRun, cert } = given;
  const [certificate] = cert === undefined ? [] : await readCertificates(cert);
  if (certificate === undefined) throw new UsageError('--modsig names the certificate of the key: give --cert');
  const { algorithm: hash } = key;
  if (hash !== 'sha256' && hash !== 'sha384' && hash !== 'sha512') {
    throw new UsageError('--modsig takes --algorithm sha256, sha384 or sha512');
  }
  const files = [];
  for (const path of paths) {
    const sizes = await appendSignature(path, key, { certificate, hash, dryRun });
    files.push({ path, ...sizes });
    const what = dryRun ? 'would be signed' : 'signed';
    if (output === 'text') process.stdout.write(`${what} ${shown(path)}: ${sizes.appended} bytes behind it\n`);
  }
  if (output === 'json') printJson({ schema: 'assay.file-sign-modsig.v1', dryRun, files });
  return EXIT.fine;
}
