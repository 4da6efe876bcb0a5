import { fromBase64, fromHex, toBase64, toHex } from '@assay/core/bytes';
import { isHashName, type HashName } from '@assay/core/hash';
import type { EvidenceInput, HostFacts } from '@assay/core/evidence';
import { MissingLog, type Challenge, type EvidenceMessage, type EvidenceReply } from '@assay/wire';

/** One round as it went over the network, and how the verifier decided. */
export interface Round {
  readonly nonce: Uint8Array;
  readonly session: string;
  readonly facts: HostFacts;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  readonly list: {
    readonly bank: HashName;
    readonly fromEntry: number;
    readonly fromOffset: number;
    readonly bytes: Uint8Array;
  };
  readonly decision: Decision;
  /** PCRs that were asked for; rounds that were kept before boot logs were sent do not tell, and have 0 to 10. */
  readonly asked: readonly number[] | undefined;
  readonly eventLog: EvidenceInput['eventLog'];
}

export interface Decision {
  readonly verified: boolean;
  readonly verdict: string;
  readonly errors: readonly string[];
}

/** What the wire calls by its own names today, in the form in which it is kept. */
export function roundOf(challenge: Challenge, sent: EvidenceMessage, reply: EvidenceReply): Round {
  const { bank, fromEntry, fromOffset, entries } = sent.list;
  return {
    nonce: fromHex(challenge.nonce),
    session: challenge.session,
    facts: sent.facts,
    message: fromBase64(sent.quote.message),
    signature: fromBase64(sent.quote.signature),
    pcrs: new Map(Object.entries(sent.pcrs).map(([pcr, value]) => [Number(pcr), fromHex(value)])),
    list: { bank, fromEntry, fromOffset, bytes: fromBase64(entries) },
    decision: {
      verified: reply.verified,
      verdict: reply.verdict,
      errors: reply.errors.map(({ code }) => code),
    },
    asked: challenge.selection.pcrs,
    eventLog: eventLogOf(sent),
  };
}

function eventLogOf({ eventLog }: EvidenceMessage): Round['eventLog'] {
  if (eventLog === undefined) return undefined;
  return 'missing' in eventLog ? eventLog.missing : fromBase64(eventLog.bytes);
}

/** A line of text: fields between tabs, the list in Base64, other bytes as hex. */
export function writeRound(round: Round): string {
  const { nonce, session, facts, message, signature, pcrs, list, decision, asked, eventLog = '' } = round;
  const { tpmKind, listSource, kernel, agentVersion } = facts;
  const values = [...pcrs].map(([pcr, value]) => `${pcr}=${toHex(value)}`);
  const proof = [toHex(nonce), session, tpmKind, listSource, kernel, agentVersion, toHex(message), toHex(signature)];
  const part = [list.bank, list.fromEntry, list.fromOffset, toBase64(list.bytes)];
  const outcome = [decision.verified, decision.verdict, decision.errors.join(',')];
  const log = typeof eventLog === 'string' ? eventLog : `=${toBase64(eventLog)}`;
  const more = asked === undefined ? [] : [asked.join(','), log];
  return [proof, values.join(','), part, outcome, more].flat().join('\t');
}

/** @throws RangeError for a line that {@link writeRound} did not write */
export function readRound(line: string): Round {
  const fields = line.split('\t');
  const [nonce = '', session = '', tpmKind = '', listSource = '', kernel = '', agentVersion = ''] = fields;
  const [message = '', signature = '', pcrs = '', bank = '', fromEntry, fromOffset, bytes = ''] = fields.slice(6);
  const [verified, verdict = '', errors, ...more] = fields.slice(13);
  if (errors === undefined || !isHashName(bank)) throw new RangeError('no line of a round');
  return {
    nonce: fromHex(nonce),
    session,
    facts: { tpmKind, listSource, kernel, agentVersion },
    message: fromHex(message),
    signature: fromHex(signature),
    pcrs: new Map(pcrs.split(',').map(readPcr)),
    list: { bank, fromEntry: Number(fromEntry), fromOffset: Number(fromOffset), bytes: fromBase64(bytes) },
    decision: { verified: verified === 'true', verdict, errors: errors.split(',').filter(Boolean) },
    ...readAsked(more),
  };
}

function readAsked([pcrs, log = '']: readonly string[]): Pick<Round, 'asked' | 'eventLog'> {
  return { asked: pcrs?.split(',').map(Number), eventLog: log === '' ? undefined : readLog(log) };
}

/** A word for a log that is not there, or its bytes in Base64. */
function readLog(text: string): Round['eventLog'] {
  return text.startsWith('=') ? fromBase64(text.slice(1)) : MissingLog.parse(text);
}

function readPcr(text: string): [number, Uint8Array] {
  const [pcr, value = ''] = text.split('=');
  return [Number(pcr), fromHex(value)];
}
