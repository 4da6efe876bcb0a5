import { isHashName, type HashName } from '@assay/core/hash';
import { z } from 'zod';
import { OutputOptions } from '../options.ts';

const File = z.string().min(1, 'names no file');
const Files = z.array(File).default([]);
const Flag = z.boolean().default(false);
const Patterns = z.array(z.string().max(4096, 'is longer than 4096 characters')).default([]);

const Threads = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, 'takes a number of threads')
  .transform(Number)
  .optional();

const SigningOptions = z.object({
  key: File.optional(),
  signer: File.optional(),
  signerCert: File.optional(),
  passphraseFrom: File.optional(),
});
export type SigningOptions = z.infer<typeof SigningOptions>;

const VerifyingOptions = z.object({ cert: Files, publicKey: Files });
export type VerifyingOptions = z.infer<typeof VerifyingOptions>;

/** Options as the command line has them; each command takes those it declared. */
export const CreateOptions = OutputOptions.extend({
  ...SigningOptions.shape,
  out: File,
  include: Patterns,
  exclude: Patterns,
  oneFileSystem: Flag,
  algorithm: z
    .string()
    .refine((name) => isHashName(name), 'takes the name of a hash, such as sha256')
    .transform((name): HashName => (isHashName(name) ? name : 'sha256')),
  threads: Threads,
});

export const ShowOptions = OutputOptions.extend(VerifyingOptions.shape);

export const DiffOptions = VerifyingOptions.extend({
  output: z.enum(['text', 'json', 'jsonl']),
  times: Flag,
  limit: z
    .string()
    .regex(/^\d{1,6}$/, 'takes a number')
    .transform(Number),
});

export const CheckOptions = DiffOptions.extend({ fast: Flag, packageRoot: File, threads: Threads });

export const AcceptOptions = ShowOptions.extend({
  ...SigningOptions.shape,
  out: File,
  path: Patterns,
  packageRoot: File,
  threads: Threads,
});
