import { toHex } from '@assay/core/bytes';
import type { Hasher } from '@assay/core/hash';
import { z } from 'zod';
import { auditBytes, type AuditContent } from './audit-bytes.ts';
import { Hex, Time } from './scalars.ts';

/** Each may do what those before it may; `agent` only enrols hosts. */
export const Role = z.enum(['viewer', 'operator', 'approver', 'admin', 'agent']);
export type Role = z.infer<typeof Role>;

export const AccessToken = z.object({
  id: z.string(),
  /** Who has it: the name that stands in the audit log. */
  name: z.string(),
  role: Role,
  createdAt: Time,
  createdBy: z.string(),
  expiresAt: Time.nullable(),
  revokedAt: Time.nullable(),
});
export type AccessToken = z.infer<typeof AccessToken>;

export const TokenRequest = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[\w.@+-]+$/),
  role: Role,
  /** Seconds that it is good for; without it, until it is revoked. */
  lifetimeSeconds: z
    .int()
    .min(60)
    .max(10 * 366 * 86_400)
    .optional(),
});
export type TokenRequest = z.infer<typeof TokenRequest>;

export const TokenReply = z.object({
  schema: z.literal('assay.access-token.v1'),
  /** The secret, which is shown here and never again: the verifier keeps its digest. */
  secret: z.string(),
  token: AccessToken,
});
export type TokenReply = z.infer<typeof TokenReply>;

export const TokenList = z.object({ schema: z.literal('assay.access-tokens.v1'), tokens: z.array(AccessToken) });
export type TokenList = z.infer<typeof TokenList>;

export const AuditEntry = z.object({
  /** From 1, without a gap. */
  seq: z.int(),
  at: Time,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  /** JSON. */
  detail: z.string(),
  /** SHA-256 over the hash before and all of these: see `auditHash`. */
  hash: Hex.length(64),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = z.object({
  schema: z.literal('assay.audit.v1'),
  /** The oldest first. */
  entries: z.array(AuditEntry),
  next: z.string().nullable(),
});
export type AuditPage = z.infer<typeof AuditPage>;

/** The end of a log, to be remembered elsewhere: who removes the newest entries cannot remove that. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** Before the first entry. */
export const AUDIT_START: AuditHead = { seq: 0, hash: '00'.repeat(32) };

/** SHA-256 over `auditBytes`. */
export function auditHash(hasher: Hasher, before: string, entry: AuditContent): string {
  return toHex(hasher.digest('sha256', auditBytes(before, entry)));
}

/** Follows a log entry by entry, from its start or from a head that was remembered. */
export class AuditChain {
  readonly #hasher: Hasher;
  #head: AuditHead;

  constructor(hasher: Hasher, from: AuditHead = AUDIT_START) {
    this.#hasher = hasher;
    this.#head = from;
  }

  get head(): AuditHead {
    return this.#head;
  }

  /** @returns what is wrong with the next entry; undefined where it continues the log */
  follow(entry: AuditEntry): string | undefined {
    const { seq, hash } = this.#head;
    if (entry.seq !== seq + 1) return `entry ${seq + 1} is missing: entry ${entry.seq} follows entry ${seq}`;
    const { hash: recorded, ...content } = entry;
    if (auditHash(this.#hasher, hash, content) !== recorded) {
      return `entry ${entry.seq} was changed, or what stands before it`;
    }
    this.#head = { seq: entry.seq, hash: recorded };
    return undefined;
  }
}
