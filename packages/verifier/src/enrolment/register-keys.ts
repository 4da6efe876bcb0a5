import { fromBase64, toHex } from '@assay/core/bytes';
import { encodePublicKey, parseCertificate } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import type { RegisteredKey, RegisterKeysRequest } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { registerKeys, removeRegisteredKey } from '../store/registered-keys.ts';
import type { RegisteredKeyRow } from '../store/schema.ts';

/** Vouches for endorsement keys: they may enrol without a join token and a decision. @throws FormatError */
export async function register(
  context: Context,
  by: Principal,
  { keys }: RegisterKeysRequest,
): Promise<RegisteredKey[]> {
  const common = { registered_at: context.now().toISOString(), registered_by: by.name };
  const named = keys.map(({ digest, certificate, name, note }): [string, RegisteredKeyRow] => {
    const key = digest ?? digestOf(certificate ?? '');
    return [key, { digest: key, name: name ?? null, note: note ?? null, ...common }];
  });
  const rows = [...new Map(named).values()]; // The last word on a key that is named twice.
  await context.database.transaction().execute(async (db) => {
    await registerKeys(db, rows);
    const detail = { keys: rows.map(({ digest, name }) => (name === null ? { digest } : { digest, name })) };
    await audit(db, context, { actor: by.name, action: 'key.register', subject: `${rows.length} keys`, detail });
  });
  return rows.map(registeredKeyOnWire);
}

function digestOf(certificate: string): string {
  const { publicKey } = parseCertificate(fromBase64(certificate));
  return `sha256:${toHex(nodeHasher.digest('sha256', encodePublicKey(publicKey)))}`;
}

/** Hosts that came with the key stay. @throws RequestProblem REQUEST-NOT-FOUND */
export async function unregister(context: Context, by: Principal, digest: string): Promise<RegisteredKey> {
  const row = await context.database.transaction().execute(async (db) => {
    const removed = await removeRegisteredKey(db, digest);
    if (removed === undefined) return undefined;
    await audit(db, context, { actor: by.name, action: 'key.unregister', subject: digest, detail: {} });
    return removed;
  });
  if (row === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No key is registered under ${digest}.`);
  return registeredKeyOnWire(row);
}

export function registeredKeyOnWire(row: RegisteredKeyRow): RegisteredKey {
  const { digest, name, note, registered_at: registeredAt, registered_by: registeredBy } = row;
  return { digest, name, note, registeredAt, registeredBy };
}
