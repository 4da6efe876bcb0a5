import { z } from 'zod';
import { Role } from './access.ts';
import { Hex, Time } from './scalars.ts';

/** A person who signed in through the identity provider. */
export const Session = z.object({
  id: Hex.length(24),
  /** The name that stands in the audit log. */
  name: z.string(),
  role: Role,
  startedAt: Time,
  expiresAt: Time,
});
export type Session = z.infer<typeof Session>;

export const SessionList = z.object({ schema: z.literal('assay.sessions.v1'), sessions: z.array(Session) });
export type SessionList = z.infer<typeof SessionList>;

/** Who asks, and how one may sign in. */
export const WhoAmI = z.object({
  schema: z.literal('assay.who-am-i.v1'),
  /** null: nobody in particular. */
  principal: z
    .object({
      name: z.string(),
      role: Role,
      by: z.enum(['token', 'session']),
      /** Of a session. */
      expiresAt: Time.nullable(),
    })
    .nullable(),
  /** Whether whoever reaches the port may read. */
  openReads: z.boolean(),
  /** Where a browser goes to sign in; null where no identity provider is set up. */
  signIn: z.string().nullable(),
});
export type WhoAmI = z.infer<typeof WhoAmI>;

export const SessionEnded = z.object({
  schema: z.literal('assay.session-ended.v1'),
  /** Where a browser goes to sign out of the identity provider, too; null where that offers no such address. */
  providerSignOut: z.url().nullable(),
});
export type SessionEnded = z.infer<typeof SessionEnded>;
