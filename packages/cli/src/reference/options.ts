import { z } from 'zod';
import { UsageError } from '../exit.ts';
import { ConnectOptions, OutputOptions } from '../options.ts';

const File = z.string().min(1, 'names no file');
const Files = z.array(File).default([]);
const Time = z.iso.datetime({ error: 'takes an RFC 3339 time in UTC, such as 2027-01-31T00:00:00Z' });
const Name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'takes small letters, digits, dots and hyphens');
export const Whole = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'takes a whole number from 1 on')
  .transform(Number);

/** Options as the command line has them; each command takes those it declared. */
export const ShowOptions = OutputOptions.extend({ digest: z.string().optional() });

export const SimulateOptions = OutputOptions.extend({ list: Files, inForce: File.optional(), limit: Whole });

export const SignOptions = OutputOptions.extend({
  out: File,
  key: File.optional(),
  signer: File.optional(),
  signerCert: File.optional(),
  passphraseFile: File.optional(),
});

export const VerifyOptions = OutputOptions.extend({
  publicKey: Files,
  bundle: File.optional(),
  trustedRoot: File.optional(),
  identity: z.string().min(1).optional(),
  issuer: z.string().min(1).optional(),
  inForce: File.optional(),
  at: Time.optional(),
});

export const ImportOptions = OutputOptions.extend({
  name: Name,
  out: File,
  versionNumber: Whole,
  owner: z.string().min(1),
  expires: Time.optional(),
  publicKey: Files,
});

export const ExportOptions = OutputOptions.extend({ out: File });

export const BuildOptions = OutputOptions.extend({
  out: File,
  name: Name.optional(),
  versionNumber: Whole.optional(),
  base: File.optional(),
  retire: Time.optional(),
  validUntil: Time.optional(),
  note: z.string().max(500, 'is longer than 500 characters').optional(),
  list: Files,
  tree: Files,
  initramfs: Files,
  deb: Files,
  rpm: Files,
  image: Files,
  platform: z.string().regex(/^[a-z0-9]+\/[a-z0-9]+$/, 'takes a platform such as linux/amd64'),
  repository: Files,
  keyring: File.optional(),
  cache: File.optional(),
});

export const ActivateOptions = ConnectOptions.extend({ host: Files, allHosts: z.boolean().default(false) });

export const FetchOptions = ConnectOptions.extend({ out: File });

export const FindingsOptions = ConnectOptions.extend({
  host: z.string().min(1).optional(),
  all: z.boolean().default(false),
  closed: z.boolean().default(false),
  severity: z.enum(['failed', 'warning'], { error: 'takes failed or warning' }).optional(),
  code: z.string().min(1).max(64).optional(),
  known: z.boolean().default(false),
  new: z.boolean().default(false),
  text: z.string().optional(),
  limit: Whole.refine((limit) => limit <= 1000, 'takes at most 1000'),
});
export type FindingsOptions = z.infer<typeof FindingsOptions>;

const Why = z.string().regex(/^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u, 'takes one line that says why');

export const AcknowledgeOptions = ConnectOptions.extend({
  reason: Why.optional(),
  until: Time.optional(),
  everywhere: z.boolean().default(false),
  withdraw: z.boolean().default(false),
});

const Digest = z.string().regex(/^[a-z0-9-]+:[0-9a-f]+$/, 'takes a digest such as sha256:<hex>');

export const SimulatePolicyOptions = ConnectOptions.extend({
  limit: Whole,
  candidate: File.optional(),
  deny: z.array(Digest).default([]),
  boots: z.enum(['present', 'all'], { error: 'takes present or all' }),
});

export const DenyOptions = ConnectOptions.extend({ limit: Whole, reason: Why });

export const ResolveOptions = ConnectOptions.extend({ reason: Why });

/** @throws UsageError for what is no version */
export function versionFrom(text: unknown): number {
  const parsed = Whole.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError('a version is a whole number from 1 on');
}

/** @throws UsageError for what is no digest */
export function digestFrom(text: unknown): string {
  const parsed = Digest.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError('a digest is like sha256:<hex>');
}
