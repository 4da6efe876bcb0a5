import type { KeyRenewal, KeyRenewalReason } from '@assay/wire';
import { z } from 'zod';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { transact } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { hostById, updateHost } from '../store/hosts.ts';
import { lockRounds } from '../store/rounds.ts';
import type { HostRow } from '../store/schema.ts';

/** Who asked a host for another attestation key. */
const Asked = z.object({ by: z.string(), at: z.iso.datetime() });
type Asked = z.infer<typeof Asked>;

export function renewalIn({ key_renewal }: Pick<HostRow, 'key_renewal'>): Asked | null {
  return key_renewal === null ? null : Asked.parse(JSON.parse(key_renewal));
}

/** Why the host shall make another attestation key; null where the one that it has is good. */
export function reasonForNewKey(
  { renewKeysAfterSeconds, now }: Pick<Context, 'renewKeysAfterSeconds' | 'now'>,
  { id, ak_since, key_renewal }: Pick<HostRow, 'id' | 'ak_since' | 'key_renewal'>,
): Exclude<KeyRenewalReason, 'host'> | null {
  if (key_renewal !== null) return 'asked';
  if (renewKeysAfterSeconds === null) return null;
  const age = now().getTime() - Date.parse(ak_since);
  return age > renewKeysAfterSeconds * 1000 * shareOf(id) ? 'age' : null;
}

const SPREAD = 0.1;
const SPREAD_DIGITS = 4;

/** From nine tenths to one, by the host: keys that were made together do not all end together. */
function shareOf(host: string): number {
  return 1 - (SPREAD * Number.parseInt(host.slice(0, SPREAD_DIGITS), 16)) / 16 ** SPREAD_DIGITS;
}

/** Asks a host for another attestation key; its agent is told with the answer to its next evidence. */
export async function askForNewKey(context: Context, by: Principal, { id, name }: HostRow): Promise<KeyRenewal> {
  const asked = { by: by.name, at: context.now().toISOString() };
  await transact(context, async (db) => {
    await lockRounds(db, [id]);
    if ((await hostById(db, id)) === undefined) {
      throw new RequestProblem('REQUEST-NOT-FOUND', `${name} was removed already.`);
    }
    await updateHost(db, id, { key_renewal: JSON.stringify(asked) });
    await audit(db, context, { actor: by.name, action: 'host.ask-key', subject: name, detail: { host: id } });
    return { result: undefined, changes: [{ type: 'host', host: id }] };
  });
  return { schema: 'assay.key-renewal.v1', host: { id, name }, asked };
}
