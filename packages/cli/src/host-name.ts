import { HostName } from '@assay/wire';
import { z } from 'zod';

/** An option that names a host. */
export const HostNameOption = z
  .string()
  .refine(
    (text) => HostName.safeParse(text).success,
    'takes 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first',
  );

/** The machine's own name where it can be a name at the verifier; else what is left of it. */
export function hostNameOf(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return HostName.safeParse(cleaned.slice(0, 64)).data ?? 'localhost';
}
