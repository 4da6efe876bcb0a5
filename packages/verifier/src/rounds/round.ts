import type { EvidenceMessage, EvidenceReply, ServerEvent } from '@assay/wire';
import type { Context } from '../context.ts';
import { summaryOf } from '../hosts/summary.ts';
import { renewVerdict } from '../hosts/verdict.ts';
import { RequestProblem } from '../problem.ts';
import { keptState } from '../store/boots.ts';
import { takeChallenge } from '../store/challenges.ts';
import { hostById } from '../store/hosts.ts';
import type { ChallengeRow, Database, HostRow } from '../store/schema.ts';
import { acceptEvidence } from './accept.ts';
import { eventsOf } from './changes.ts';
import { issueChallenge, WHOLE_LIST } from './challenge.ts';
import { refuseEvidence } from './refuse.ts';
import { verifyMessage } from './verify.ts';

/**
 * One evidence round: the challenge is consumed, the evidence verified and judged, and all that follows from it
 * stored in one transaction, before anybody learns of it.
 * @throws RequestProblem QUOTE-NONCE, where nothing changes
 */
export async function runRound(context: Context, sender: HostRow, message: EvidenceMessage): Promise<EvidenceReply> {
  const { reply, events } = await context.database
    .transaction()
    .execute((db) => round(db, context, sender.id, message));
  context.publish(events);
  return reply;
}

async function round(
  db: Database,
  context: Context,
  hostId: string,
  message: EvidenceMessage,
): Promise<{ reply: EvidenceReply; events: ServerEvent[] }> {
  const { host, challenge } = await openQuestion(db, context, hostId, message.session);
  const result = verifyMessage(message, host, challenge, await keptState(db, hostId));
  const changes = result.ok
    ? await acceptEvidence(db, context, host, message.facts, result.evidence)
    : await refuseEvidence(db, context, host, result.errors);
  const errors = result.ok ? [] : result.errors.map(({ code, message: reason }) => ({ code, message: reason }));
  // A list that was refused may be right from its start: after a reboot, or in another bank.
  const from = errors.length > 0 ? WHOLE_LIST : undefined;
  const state = await renewVerdict(db, context, hostId);
  const { verdict, sentence } = state.host;
  return {
    reply: {
      verified: result.ok,
      verdict,
      sentence,
      errors,
      challenge: await issueChallenge(db, context, hostId, from),
      heartbeatSeconds: context.heartbeatSeconds,
    },
    events: [
      { type: 'host', host: summaryOf(state, context.staleAfterSeconds) },
      ...(await eventsOf(db, hostId, changes)),
    ],
  };
}

/** The host as it is now, and the challenge that this session answers, which is consumed. */
async function openQuestion(
  db: Database,
  context: Context,
  hostId: string,
  session: string,
): Promise<{ host: HostRow; challenge: ChallengeRow }> {
  const challenge = await takeChallenge(db, hostId, session, context.now().toISOString());
  const host = await hostById(db, hostId);
  if (challenge === undefined || host === undefined) {
    throw new RequestProblem(
      'QUOTE-NONCE',
      'No challenge with this session waits for this host: it was answered before, has expired, or was never its own.',
    );
  }
  return { host, challenge };
}
