import { randomBytes } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import { Role, type Session } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import type { Database, SessionRow } from '../store/schema.ts';
import { deleteSession, insertSession, sessionByDigest } from '../store/sessions.ts';
import { newToken, tokenDigest } from '../tokens.ts';
import type { Identity } from './identity.ts';

const HOUR_MILLISECONDS = 3_600_000;

/** @returns the secret that the browser keeps; the store has its digest only */
export async function beginSession(
  context: Context,
  { subject, name, role }: Identity,
  hours: number,
): Promise<{ secret: string; expiresAt: Date }> {
  const now = context.now();
  const secret = newToken();
  const expiresAt = new Date(now.getTime() + hours * HOUR_MILLISECONDS);
  const id = toHex(randomBytes(12));
  const digest = tokenDigest(secret);
  const times = { started_at: now.toISOString(), expires_at: expiresAt.toISOString() };
  await context.database.transaction().execute(async (db) => {
    await insertSession(db, { id, digest, subject, name, role, ...times });
    const detail = { subject, role, expiresAt: times.expires_at };
    await audit(db, context, { actor: name, action: 'session.begin', subject: id, detail });
  });
  return { secret, expiresAt };
}

export async function sessionPrincipal(database: Database, secret: string, now: Date): Promise<Principal | undefined> {
  const row = await sessionByDigest(database, tokenDigest(secret), now.toISOString());
  if (row === undefined) return undefined;
  return { name: row.name, role: Role.parse(row.role), session: { id: row.id, expiresAt: row.expires_at } };
}

/** @throws RequestProblem REQUEST-NOT-FOUND */
export async function endSession(context: Context, by: Principal, id: string): Promise<void> {
  const ended = await context.database.transaction().execute(async (db) => {
    const row = await deleteSession(db, id);
    if (row === undefined) return false;
    await audit(db, context, { actor: by.name, action: 'session.end', subject: id, detail: { name: row.name } });
    return true;
  });
  if (!ended) throw new RequestProblem('REQUEST-NOT-FOUND', `No session has the id ${id}.`);
}

export function sessionOnWire({ id, name, role, started_at, expires_at }: SessionRow): Session {
  return { id, name, role: Role.parse(role), startedAt: started_at, expiresAt: expires_at };
}
