import { strictJson } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { z } from 'zod';

/** Lies at the top of the source. */
export const MANIFEST = 'assay-policies.json';
export const MANIFEST_LIMIT = 1024 * 1024;

/** Within the source: no way out of it, and no word that a program takes for an option. */
const File = z
  .string()
  .max(500)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/, 'is no plain path within the source');

const Managed = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'takes small letters, digits, dots and hyphens'),
  /** Reference values, or a DSSE envelope that holds them. */
  file: File,
  /** Names or ids of hosts that it is for, or all. */
  hosts: z.union([z.array(z.string().min(1).max(64)).max(10_000), z.literal('all')]),
});
export type ManagedPolicy = z.infer<typeof Managed>;

const Manifest = z.strictObject({
  schema: z.literal('assay.policies-source.v1'),
  policies: z.array(Managed).max(1000),
});

/** Which version of which policy is to be in force, and for which hosts. @throws FormatError POLICIES-MANIFEST */
export function readManifest(bytes: Uint8Array): readonly ManagedPolicy[] {
  const parsed = Manifest.safeParse(strictJson(bytes, 'POLICIES-MANIFEST'));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError('POLICIES-MANIFEST', `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const { policies } = parsed.data;
  if (new Set(policies.map(({ name }) => name)).size < policies.length) {
    throw new FormatError('POLICIES-MANIFEST', 'two entries are of one policy');
  }
  return policies;
}
