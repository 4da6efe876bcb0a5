import { fromHex, toBase64 } from '@assay/core/bytes';
import { bindingDigest } from '@assay/core/evidence';
import { nodeHasher } from '@assay/core/node';
import { type ApiClient, Challenge, type EvidenceMessage, EvidenceReply, type MissingLog, ROUTES } from '@assay/wire';
import type { HostKeys } from './keys.ts';
import { listPart, listTail } from './list.ts';
import type { AgentOptions } from './options.ts';
import { pushParts } from './parts.ts';
import { quotedEvidence } from './quote.ts';

export interface RoundResult {
  readonly reply: EvidenceReply;
  /** The verifier wants more at once: entries that the quote did not cover yet, the list from another place, the boot event log. */
  readonly behind: boolean;
}

/** One round: quote first, then the list, so that the list is never shorter than what the quote covers. */
export async function attestOnce(
  options: AgentOptions,
  keys: HostKeys,
  client: ApiClient,
  asked: Challenge,
): Promise<RoundResult> {
  const sent = await pushParts(options.source, client, asked.list, options.tailBytes);
  // The parts may have taken longer than a question waits.
  const challenge = sent === undefined ? asked : await client.call(ROUTES.challenge, Challenge, { body: {} });
  const { session, selection } = challenge;
  const nonce = fromHex(challenge.nonce);
  const eventLog = challenge.eventLog === true ? await (options.eventLog?.() ?? 'none') : undefined;
  const asker = { nonce, session, akName: keys.akName, facts: options.facts };
  const extraData = bindingDigest(nodeHasher, eventLog === undefined ? asker : { ...asker, eventLog });
  const quoted = await quotedEvidence(options.tpm, keys.akHandle, extraData, selection);
  const list = await (sent === undefined ? listPart(options.source, challenge.list) : listTail(options.source, sent));
  const message: EvidenceMessage = { session, facts: options.facts, ...quoted, list, ...eventLogSent(eventLog) };
  const reply = await client.call(ROUTES.evidence, EvidenceReply, { body: message });
  return { reply, behind: isBehind(reply, list) };
}

function eventLogSent(eventLog: Uint8Array | MissingLog | undefined): Pick<EvidenceMessage, 'eventLog'> {
  if (eventLog === undefined) return {};
  return { eventLog: typeof eventLog === 'string' ? { missing: eventLog } : { bytes: toBase64(eventLog) } };
}

function isBehind(reply: EvidenceReply, list: EvidenceMessage['list']): boolean {
  if (!reply.verified) return reply.errors.some(({ code }) => code === 'IMA-LOG-GAP');
  if (reply.challenge.eventLog === true) return true;
  const sent = list.fromOffset + Buffer.byteLength(list.entries, 'base64');
  return sent > reply.challenge.list.fromOffset;
}
