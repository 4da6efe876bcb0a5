import { fromHex } from '@assay/core/bytes';
import { DEBIAN_EVM_XATTRS, EVM_XATTRS } from '@assay/core/evm';
import { HASH_NAMES, isHashName, type HashName } from '@assay/core/hash';
import type { VerityParameters } from '@assay/core/verity';
import type { BoundChoice } from '@assay/linux/labels';
import { z } from 'zod';
import { OutputOptions } from '../options.ts';

const File = z.string().min(1, 'names no file');
const Flag = z.boolean().default(false);
const Names = z.array(z.string()).default([]);
const Whole = (what: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,3}$/, what)
    .transform(Number);

export const Paths = z.array(z.string().min(1)).min(1);

/** Options as the command line has them; each command takes those it declared. */
export const TreeCommandOptions = OutputOptions.extend({
  include: Names,
  exclude: Names,
  oneFileSystem: Flag,
  threads: Whole('takes a number of threads').optional(),
  verbose: Flag,
});

export const WritingOptions = z.object({ dryRun: Flag });

export const AlgorithmOptions = z.object({
  algorithm: z
    .string()
    .refine((name) => isHashName(name), `takes one of ${HASH_NAMES.join(', ')}`)
    .transform((name): HashName => (isHashName(name) ? name : 'sha256')),
});

export const SigningOptions = AlgorithmOptions.extend({
  key: File.optional(),
  signer: File.optional(),
  passphraseFrom: File.optional(),
  cert: File.optional(),
  keyid: z
    .string()
    .regex(/^(?:0x)?[0-9a-fA-F]{1,8}$/, 'takes 1 to 8 hexadecimal digits')
    .transform((text) => Number.parseInt(text, 16))
    .optional(),
  sigVersion: z.enum(['2', '3']).transform((text) => (text === '2' ? 2 : 3)),
});

export const CertificateOptions = z.object({ cert: z.array(File).default([]) });

export const VerityOptions = z.object({
  blockSize: z
    .string()
    .regex(/^\d{1,6}$/, 'takes a number of bytes')
    .transform(Number),
  salt: z
    .string()
    .regex(/^(?:[0-9a-fA-F]{2}){0,32}$/, 'takes at most 32 bytes in hexadecimal')
    .default('')
    .transform((hex) => fromHex(hex)),
});

export const BoundOptions = z.object({
  uuid: z
    .string()
    .regex(/^(?:none|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/, 'takes a UUID with hyphens, or none')
    .optional(),
  wordBits: z.enum(['32', '64']).transform((text) => (text === '32' ? 32 : 64)),
  xattrs: z
    .string()
    .regex(/^security\.[^,]+(?:,security\.[^,]+)*$/, 'takes names that begin with security. and commas between them')
    .transform((text) => text.split(','))
    .optional(),
});

export const EvmKeyOptions = z.object({ evmKey: File, masterKey: File.optional() });

export function verityParameters(
  options: z.infer<typeof VerityOptions>,
  algorithm: VerityParameters['algorithm'],
): VerityParameters {
  return { algorithm, blockSize: options.blockSize, salt: options.salt };
}

/** What HMACs and signatures that are bound to an inode are over. */
export function boundChoice({ uuid, wordBits, xattrs }: z.infer<typeof BoundOptions>): BoundChoice {
  const fsUuid = uuid === undefined ? 'auto' : uuid === 'none' ? null : fromHex(uuid.replaceAll('-', ''));
  return { form: 'bound', wordBits, xattrs: xattrs ?? DEBIAN_EVM_XATTRS, fsUuid };
}

/** What portable signatures are over. */
export function portableChoice({ wordBits, xattrs }: z.infer<typeof BoundOptions>) {
  return { form: 'portable', wordBits, xattrs: xattrs ?? EVM_XATTRS } as const;
}
