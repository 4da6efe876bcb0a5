import { HostFacts } from '@assay/wire';
import type { EvidenceMessage } from '@assay/wire';
import { z } from 'zod';
import type { OpenChallenge } from '../store/challenges.ts';

/** What is kept of the newest evidence beside the quoted values, so that others can verify it once more. */
const Proof = z.object({
  session: z.string(),
  nonce: z.string(),
  facts: HostFacts,
  quote: z.object({ message: z.string(), signature: z.string() }),
});
export type Proof = z.infer<typeof Proof>;

export function proofText({ session, facts, quote }: EvidenceMessage, { nonce }: OpenChallenge): string {
  return JSON.stringify({ session, nonce, facts, quote } satisfies Proof);
}

export const proofIn = (text: string): Proof => Proof.parse(JSON.parse(text));
