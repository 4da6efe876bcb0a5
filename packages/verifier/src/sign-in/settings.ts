import { strictJson } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { z } from 'zod';

const Groups = z.array(z.string().min(1).max(256)).max(64).default([]);

const Settings = z.strictObject({
  schema: z.literal('assay.sign-in.v1'),
  issuer: z.url({ protocol: /^https?$/ }),
  clientId: z.string().min(1).max(256),
  clientSecret: z.string().min(1).max(1024),
  /** Where people's browsers find this verifier: scheme, name and port, and nothing after it. */
  publicUrl: z.url({ protocol: /^https?$/ }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(32)
    .default(['email', 'groups']),
  /** Claim of the ID token that names a person in the audit log. `email` is taken only where it is verified. */
  nameClaim: z.string().min(1).max(128).default('email'),
  /** Claim of the ID token with what a person belongs to. */
  rolesClaim: z.string().min(1).max(128).default('groups'),
  roles: z.strictObject({ viewer: Groups, operator: Groups, approver: Groups, admin: Groups }),
  sessionHours: z.number().min(0.1).max(168).default(8),
});

/** How people sign in: OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636). */
export type SignInSettings = z.infer<typeof Settings>;

/**
 * Reads the file that `--sign-in` names.
 * @throws FormatError SIGN-IN-SETTINGS
 */
export function readSignIn(bytes: Uint8Array): SignInSettings {
  const parsed = Settings.safeParse(strictJson(bytes, 'SIGN-IN-SETTINGS'));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
  }
  const settings = parsed.data;
  for (const member of ['issuer', 'publicUrl'] as const) {
    const url = new URL(settings[member]);
    if (url.protocol === 'http:' && !isLoopbackUrl(url)) throw refused(`${member} is not https`);
    if (url.username !== '' || url.search !== '' || url.hash !== '')
      throw refused(`${member} has more than an address`);
  }
  if (new URL(settings.publicUrl).pathname !== '/') throw refused('publicUrl has a path');
  if (Object.values(settings.roles).every((groups) => groups.length === 0)) throw refused('roles name nobody');
  return settings;
}

export function isLoopbackUrl({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function refused(reason: string): FormatError {
  return new FormatError('SIGN-IN-SETTINGS', reason);
}
