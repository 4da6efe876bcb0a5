import { parseKernelVersion } from '@assay/core/policy';
import { KEYRING_NAMES } from '@assay/linux/keyrings';
import { z } from 'zod';
import { AlgorithmOptions } from '../labels/options.ts';
import { OutputOptions } from '../options.ts';
import { TpmOptions } from '../tpm-options.ts';

const File = z.string().min(1, 'names no file');
const Files = z.array(File).default([]);

/** Policy, keys and what the engine does with them; the same for `run` and `explain`. */
export const DecidingOptions = AlgorithmOptions.extend({
  policy: File,
  policyCert: Files,
  policyKey: Files,
  cert: Files,
  keyring: z.array(z.enum(KEYRING_NAMES)).default([]),
  evmKey: File.optional(),
  masterKey: File.optional(),
  evmCert: Files,
  tpm: TpmOptions.shape.tpm,
  template: z.enum(['ima', 'ima-ng', 'ima-ngv2', 'ima-sig', 'ima-sigv2', 'evm-sig']),
  kernel: z.string().transform(parseKernelVersion),
  updater: Files,
  relabel: z.enum(['writers', 'updaters']),
});
export type Deciding = z.infer<typeof DecidingOptions>;

export const DirectoryOptions = z.object({ directory: z.string().min(1, 'names no directory') });
export const AskingOptions = OutputOptions.extend(DirectoryOptions.shape);

const LONGEST = 24 * 60 * 60;

/** `90`, `90s`, `5m`, `2h`: seconds. */
export const Seconds = z
  .string()
  .regex(/^\d{1,5}[smh]?$/, 'takes a time such as 90s, 5m or 1h')
  .transform((text) => Number.parseInt(text, 10) * (UNITS[text.at(-1) ?? ''] ?? 1))
  .refine((seconds) => seconds <= LONGEST, 'takes a day at most');

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** `65536`, `64K`, `16M`, `1G`: bytes, in powers of 1024. */
export const Size = z
  .string()
  .regex(/^\d{1,10}[KMG]?$/, 'takes a size such as 64K, 16M or 1G')
  .transform((text) => Number.parseInt(text, 10) * (SIZE_UNITS[text.at(-1) ?? ''] ?? 1))
  .refine((bytes) => bytes >= SMALLEST && bytes <= LARGEST, 'takes 64K to 64G');

const SIZE_UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
/** A list of less would be moved all the time. */
const SMALLEST = 64 * 1024;
const LARGEST = 64 * 1024 ** 3;

export const Mode = z.enum(['off', 'log', 'fix', 'enforce']);
