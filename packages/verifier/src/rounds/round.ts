import type { VerifiedEvidence } from '@assay/core/evidence';
import type { EvidenceMessage, EvidenceReply } from '@assay/wire';
import type { Context } from '../context.ts';
import { reasonForNewKey } from '../hosts/key-renewal.ts';
import { keptColumns, keptOf, sameBootPcrs } from '../hosts/kept.ts';
import { proofText } from '../hosts/proof.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import type { Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { takeChallenge } from '../store/challenges.ts';
import { dropParts } from '../store/list-parts.ts';
import { saveRounds } from '../store/rounds.ts';
import type { Database, HostRow, RoundRow } from '../store/schema.ts';
import { acceptEvidence, isIdle } from './accept.ts';
import { issueChallenge, WHOLE_LIST } from './challenge.ts';
import { refuseEvidence } from './refuse.ts';
import { waitingParts } from './sent-before.ts';
import { verifyMessage } from './verify.ts';

/** A host as it stands in the store, locked by the transaction of the round. */
export interface Attested {
  readonly host: HostRow;
  readonly round: RoundRow;
}

export interface RoundResult {
  readonly reply: EvidenceReply;
  readonly changes: readonly Change[];
  /** The host after the round. Its round is still to be saved. */
  readonly after: Attested;
}

/**
 * One evidence round: the challenge is consumed, the evidence verified and judged, and all that follows from it stored
 * in the transaction of the caller, who answers when that is committed.
 * @throws RequestProblem QUOTE-NONCE, where nothing changes
 */
export async function runRound(
  db: Database,
  context: Context,
  { host, round }: Attested,
  message: EvidenceMessage,
): Promise<RoundResult> {
  const taken = takeChallenge(round, message.session, context.now().toISOString());
  if (taken === undefined) {
    throw new RequestProblem(
      'QUOTE-NONCE',
      'No challenge with this session waits for this host: it was answered before, has expired, or was never its own.',
    );
  }
  const kept = keptOf(round);
  const waiting = message.list.continues === true ? await waitingParts(db, host.id, kept) : null;
  const ak = context.attestationKeys.of(host);
  const result = verifyMessage(message, ak, taken.challenge, kept, waiting?.before);
  if (!result.ok) {
    if (waiting !== null) await dropParts(db, host.id);
    const changes = await refuseEvidence(db, context, host, result.errors);
    const errors = result.errors.map(({ code, message: reason }) => ({ code, message: reason }));
    return answer(context, await renewed(db, context, { ...taken.row, refused: 1 }), {
      verified: false,
      errors,
      changes,
    });
  }
  const proof = proofText(message, taken.challenge);
  if (waiting === null && isIdle(host, round, message, result.evidence)) {
    const after = { ...taken.row, proof, ...keptColumns(result.evidence, context.now().toISOString()) };
    return answer(context, { host, round: after }, { verified: true, errors: [], changes: [] });
  }
  const changes = await acceptEvidence(db, context, { host, round, waiting }, message, result.evidence);
  const after = {
    ...taken.row,
    proof,
    refused: 0,
    boot_log: bootLogTold(round, message, result.evidence),
    ...keptColumns(result.evidence, context.now().toISOString()),
  } as const;
  return answer(context, await renewed(db, context, after), { verified: true, errors: [], changes });
}

/** The log of a boot comes once, and again when PCRs have changed that it should explain. */
function bootLogTold(round: RoundRow, { eventLog }: EvidenceMessage, evidence: VerifiedEvidence): RoundRow['boot_log'] {
  if (eventLog !== undefined) return 1;
  return evidence.boot === 'same' && sameBootPcrs(round, evidence) ? round.boot_log : 0;
}

/** The host with the verdict that follows from what is stored now. */
async function renewed(db: Database, context: Context, round: RoundRow): Promise<Attested> {
  await saveRounds(db, [round]);
  const { host } = await renewVerdict(db, context, round.host);
  return { host, round };
}

function answer(
  context: Context,
  { host, round }: Attested,
  told: Pick<EvidenceReply, 'verified' | 'errors'> & { readonly changes: readonly Change[] },
): RoundResult {
  const { verified, errors, changes } = told;
  // A list that was refused may be right from its start: after a reboot, or in another bank.
  const next = issueChallenge(context, round, errors.length > 0 ? WHOLE_LIST : undefined);
  const { verdict, sentence } = host;
  const { heartbeatSeconds } = context;
  const renewal = reasonForNewKey(context, host) === null ? {} : { renewKey: true };
  return {
    reply: { verified, verdict, sentence, errors, challenge: next.challenge, heartbeatSeconds, ...renewal },
    changes: [{ type: 'host', host: host.id }, ...changes],
    after: { host, round: next.row },
  };
}
