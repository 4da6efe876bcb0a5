import { fromHex, toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { AUDIT_START, auditHash, type AuditEntry } from '@assay/wire';
import type { Context } from '../context.ts';
import { insertAudit, lockAuditHead } from '../store/access.ts';
import type { AuditRow, Database } from '../store/schema.ts';

/** What somebody did, in one word with a dot: `token.create`. */
export interface Act {
  /** Name of the token, or the host. */
  readonly actor: string;
  readonly action: string;
  /** What it was done to. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Adds to the log, in the transaction of what was done: neither is there without the other. */
export async function audit(db: Database, context: Pick<Context, 'now'>, act: Act): Promise<void> {
  const last = await lockAuditHead(db);
  const before = last === undefined ? AUDIT_START : { seq: last.seq, hash: toHex(last.hash) };
  const { actor, action, subject } = act;
  const content = { actor, action, subject, detail: JSON.stringify(act.detail) };
  const entry = { seq: before.seq + 1, at: context.now().toISOString(), ...content };
  await insertAudit(db, { ...entry, hash: fromHex(auditHash(nodeHasher, before.hash, entry)) });
}

export function auditEntry({ seq, at, actor, action, subject, detail, hash }: AuditRow): AuditEntry {
  return { seq, at, actor, action, subject, detail, hash: toHex(hash) };
}
