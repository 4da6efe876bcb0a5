import { randomBytes } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import { Role, type AccessToken, type TokenReply, type TokenRequest } from '@assay/wire';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { insertToken, revokeToken, tokenByDigest } from '../store/access.ts';
import type { Database, TokenRow } from '../store/schema.ts';
import { isToken, newToken, tokenDigest } from '../tokens.ts';
import { audit } from './audit.ts';

/** Who sends a request, and what that one may do. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
  /** Of a person who signed in. */
  readonly session?: { readonly id: string; readonly expiresAt: string };
}

/** The two secrets that the verifier is started with. */
export interface BuiltInTokens {
  readonly operator: string;
  readonly join: string;
}

/** Tells who has a token; the secrets are kept as digests only. */
export function principals(database: Database, builtIn: BuiltInTokens, now: () => Date) {
  const first: readonly (readonly [Uint8Array, Principal])[] = [
    [tokenDigest(builtIn.operator), { name: 'built-in-operator', role: 'admin' }],
    [tokenDigest(builtIn.join), { name: 'built-in-join', role: 'agent' }],
  ];
  return async (token: string): Promise<Principal | undefined> => {
    const known = first.find(([digest]) => isToken(token, digest));
    if (known !== undefined) return known[1];
    const row = await tokenByDigest(database, tokenDigest(token));
    if (row === undefined || row.revoked_at !== null) return undefined;
    if (row.expires_at !== null && row.expires_at <= now().toISOString()) return undefined;
    return { name: row.name, role: Role.parse(row.role) };
  };
}

export async function createToken(context: Context, by: Principal, request: TokenRequest): Promise<TokenReply> {
  const now = context.now();
  const secret = newToken();
  const { name, role, lifetimeSeconds } = request;
  const ends = lifetimeSeconds === undefined ? null : new Date(now.getTime() + lifetimeSeconds * 1000).toISOString();
  const row: TokenRow = {
    id: toHex(randomBytes(6)),
    name,
    role,
    digest: tokenDigest(secret),
    created_at: now.toISOString(),
    created_by: by.name,
    expires_at: ends,
    revoked_at: null,
  };
  await context.database.transaction().execute(async (db) => {
    await insertToken(db, row);
    await audit(db, context, {
      actor: by.name,
      action: 'token.create',
      subject: row.id,
      detail: { name, role, expiresAt: ends },
    });
  });
  return { schema: 'assay.access-token.v1', secret, token: tokenOnWire(row) };
}

/** @throws RequestProblem REQUEST-NOT-FOUND */
export async function endToken(context: Context, by: Principal, id: string): Promise<AccessToken> {
  const row = await context.database.transaction().execute(async (db) => {
    const revoked = await revokeToken(db, id, context.now().toISOString());
    if (revoked === undefined) return undefined;
    const { name, role } = revoked;
    await audit(db, context, { actor: by.name, action: 'token.revoke', subject: id, detail: { name, role } });
    return revoked;
  });
  if (row === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No token in force has the id ${id}.`);
  return tokenOnWire(row);
}

export function tokenOnWire(row: TokenRow): AccessToken {
  return {
    id: row.id,
    name: row.name,
    role: Role.parse(row.role),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
