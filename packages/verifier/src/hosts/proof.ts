import { EvidenceBundle, HostFacts, type EvidenceMessage } from '@assay/wire';
import { z } from 'zod';
import type { OpenChallenge } from '../store/challenges.ts';

/** What is kept of the newest evidence beside the quoted values, so that others can verify it once more. */
const Proof = z.object({
  session: z.string(),
  nonce: z.string(),
  facts: HostFacts,
  quote: z.object({ message: z.string(), signature: z.string() }),
  bound: EvidenceBundle.shape.bound,
});
export type Proof = z.infer<typeof Proof>;

export function proofText({ session, facts, quote, eventLog }: EvidenceMessage, { nonce }: OpenChallenge): string {
  const bound = eventLog === undefined ? undefined : 'missing' in eventLog ? eventLog.missing : 'event-log';
  return JSON.stringify({ session, nonce, facts, quote, bound } satisfies Proof);
}

export const proofIn = (text: string): Proof => Proof.parse(JSON.parse(text));
