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
  { id, ak_since, ak_certificates, key_renewal }: Pick<HostRow, 'id' | 'ak_since' | 'ak_certificates' | 'key_renewal'>,
): Exclude<KeyRenewalReason, 'host'> | null {
  if (ak_certificates !== null) return null;
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

/**
 * A key that the cloud of the host put into its TPM is the same each time, and no other one is certified.
 * @throws RequestProblem KEY-CERTIFIED
 */
export function refuseCertified({ name, ak_certificates }: Pick<HostRow, 'name' | 'ak_certificates'>): void {
  if (ak_certificates === null) return;
  const detail = `The attestation key of ${name} came with the certificate of a cloud: its TPM has no other such key.`;
  throw new RequestProblem('KEY-CERTIFIED', detail);
}

/** Asks a host for another attestation key; its agent is told with the answer to its next evidence. @throws RequestProblem KEY-CERTIFIED */
export async function askForNewKey(context: Context, by: Principal, host: HostRow): Promise<KeyRenewal> {
  refuseCertified(host);
  const { id, name } = host;
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
