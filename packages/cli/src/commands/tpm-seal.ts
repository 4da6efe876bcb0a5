import { writeFile } from 'node:fs/promises';
import { nodeHasher } from '@assay/core/node';
import { encodeSealedFile, pcrComposite, type PcrSelection } from '@assay/core/tpm';
import { MAX_SEALED, readSelected, sealData } from '@assay/linux/tpm';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readPassword } from '../tpm-password.ts';
import { parsePcrSelection, TpmOptions, withTpm } from '../tpm-options.ts';

const SealOptions = TpmOptions.extend({
  pcrs: z.string().optional(),
  passwordFile: z.string().min(1).optional(),
  in: z.string().min(1),
  out: z.string().min(1),
});

/** What is longer than this is no key at all. */
const LIMIT = 64 * 1024;

/** `assay tpm seal`: data that only this TPM gives back, and only while its PCRs have the values of this moment. */
export async function tpmSeal(given: unknown): Promise<number> {
  const options = optionsFrom(SealOptions, given);
  if (options.pcrs === undefined && options.passwordFile === undefined) {
    throw new UsageError('--pcrs or --password-file is needed: else every program that reaches this TPM can unseal');
  }
  const selection: readonly PcrSelection[] = options.pcrs === undefined ? [] : parsePcrSelection(options.pcrs);
  const password = options.passwordFile === undefined ? undefined : await readPassword(options.passwordFile);
  const data = await dataOf(options.in);
  return withTpm(options.tpm, async (tpm) => {
    const values = await readSelected(tpm, selection);
    const blobs = await sealData(tpm, data, { selection, values, ...(password === undefined ? {} : { password }) });
    const pcrDigest = pcrComposite(nodeHasher, 'sha256', selection, values);
    const pcrs = selection.length === 0 ? null : { selection, pcrDigest };
    const text = encodeSealedFile({ ...blobs, pcrs, password: password !== undefined });
    await writeFile(options.out, text, { mode: 0o600 });
    const sealed = { file: options.out, bytes: data.length, selection, password: password !== undefined };
    if (options.output === 'json') printJson({ schema: 'assay.tpm-seal.v1', ...sealed });
    else process.stdout.write(`sealed ${data.length} bytes into ${shown(options.out)}\n`);
    return EXIT.fine;
  });
}

async function dataOf(path: string): Promise<Buffer> {
  const data = await boundedContent(path, LIMIT);
  if (data.length === 0) throw new UsageError('--in is empty: there is nothing to seal');
  if (data.length > MAX_SEALED) {
    throw new UsageError(`--in is longer than ${MAX_SEALED} bytes: encrypt the data with a key, and seal that key`);
  }
  return data;
}
