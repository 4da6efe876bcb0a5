import { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { generateEvmKey } from '../labels/generate-evm-key.ts';
import { generateSigningKey } from '../labels/generate-signing-key.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';

const File = z.string().min(1, 'names no file');

const Options = OutputOptions.extend({
  out: File,
  type: z.enum(['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'p521', 'evm']),
  cert: File.optional(),
  name: z.string().min(1, 'is empty').max(64, 'is longer than 64 characters'),
  days: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'takes a number of days')
    .transform(Number),
  passphraseFrom: File.optional(),
  issuer: File.optional(),
  issuerKey: File.optional(),
  master: z.string().regex(/^(?:user|trusted):\S+$/, 'takes user:NAME or trusted:NAME'),
  masterKey: File.optional(),
});

/** `assay key generate` */
export async function generateKey(given: unknown): Promise<number> {
  const { type, ...options } = optionsFrom(Options, given);
  const made = type === 'evm' ? await evmKey(options) : await signingKey(type, options);
  if (options.output === 'json') printJson({ schema: 'assay.key-generate.v1', type, ...made });
  else for (const [what, value] of Object.entries(made)) process.stdout.write(`${what.padEnd(12)} ${shown(value)}\n`);
  return EXIT.fine;
}

type Given = Omit<z.infer<typeof Options>, 'type'>;

function evmKey({ out, master, masterKey }: Given): Promise<Record<string, string>> {
  if (masterKey === undefined) throw new UsageError('an EVM key needs --master-key');
  return generateEvmKey({ out, master, masterKey });
}

function signingKey(
  type: Exclude<z.infer<typeof Options>['type'], 'evm'>,
  { cert, issuer, issuerKey, ...options }: Given,
): Promise<Record<string, string>> {
  if (cert === undefined) throw new UsageError('give --cert, where the certificate goes');
  if ((issuer === undefined) !== (issuerKey === undefined)) throw new UsageError('give --issuer and --issuer-key');
  const authority = issuer === undefined || issuerKey === undefined ? {} : { authority: { issuer, issuerKey } };
  return generateSigningKey({ ...options, type, cert, ...authority });
}
