import { equalBytes, toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { parsePublic, publicName } from '@assay/core/tpm';
import type { ActivateReply } from '@assay/wire';
import { audit } from '../access/audit.ts';
import type { Context } from '../context.ts';
import { akColumns } from '../hosts/ak-certificate.ts';
import { reasonForNewKey, renewalIn } from '../hosts/key-renewal.ts';
import type { Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { issueChallenge } from '../rounds/challenge.ts';
import { hostById, updateHost } from '../store/hosts.ts';
import { addKeyRenewal } from '../store/key-renewals.ts';
import { firstRound, lockRounds, saveRounds } from '../store/rounds.ts';
import type { Database, EnrolmentRow, HostRow } from '../store/schema.ts';
import { tokenDigest } from '../tokens.ts';

/**
 * Gives a host the attestation key that its TPM proved to hold beside the endorsement key. It is the same TPM, whose counters and
 * clock the next quote shows as the last one did, so all that is known of the host stays, and its evidence goes on where it
 * was. With the key the token changes: from this transaction on, nothing by the key of before is taken.
 * @param token what the agent calls with from now on
 */
export async function renewed(
  db: Database,
  context: Context,
  enrolment: EnrolmentRow,
  token: string,
): Promise<{ result: ActivateReply | RequestProblem; changes: readonly Change[] }> {
  const { host: id } = enrolment;
  const [round = firstRound(id)] = await lockRounds(db, [id]);
  const host = await hostById(db, id);
  if (host === undefined) {
    const problem = new RequestProblem('ENROLMENT-UNKNOWN', 'The host was removed while it renewed its key.');
    return { result: problem, changes: [] };
  }
  await updateHost(db, id, { token_digest: tokenDigest(token) });
  // The bytes that came with the newest quote are shown with the key that signed it, which is no longer the host's.
  const another = !equalBytes(host.ak_public, enrolment.ak_public);
  if (another) await replaceKey(db, context, host, enrolment.ak_public);
  const { row, challenge } = issueChallenge(context, {
    ...round,
    challenges: '[]',
    ...(another ? { proof: null } : {}),
  });
  await saveRounds(db, [row]);
  return { result: { hostId: id, token, challenge }, changes: [{ type: 'host', host: id }] };
}

async function replaceKey(db: Database, context: Context, host: HostRow, next: Uint8Array): Promise<void> {
  const at = context.now().toISOString();
  const asked = renewalIn(host);
  const reason = reasonForNewKey(context, host) ?? 'host';
  const name = nameOf(next);
  await updateHost(db, host.id, {
    ak_public: next,
    ak_since: at,
    key_renewal: null,
    ak_certificates: null,
    ...akColumns(null),
  });
  await addKeyRenewal(db, { host: host.id, at, name, reason, asked_by: asked?.by ?? null });
  const detail = {
    host: host.id,
    key: name,
    before: nameOf(host.ak_public),
    reason,
    ...(asked && { asked: asked.by }),
  };
  await audit(db, context, { actor: host.name, action: 'host.renew-key', subject: host.name, detail });
}

function nameOf(akPublic: Uint8Array): string {
  return toHex(publicName(nodeHasher, parsePublic(akPublic)));
}
