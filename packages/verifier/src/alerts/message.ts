import { z } from 'zod';

const Cause = z.object({
  id: z.string(),
  sentence: z.string(),
  severity: z.enum(['warning', 'failed']),
  digest: z.string().nullable(),
  /** How many hosts, and the names of some. */
  hosts: z.int(),
  hostNames: z.array(z.string()),
  firstSeen: z.string(),
  lastSeen: z.string(),
});
export type Cause = z.infer<typeof Cause>;

/** What is told at once: the causes of one code that came, or went, in one moment. */
export const AlertMessage = z.object({
  schema: z.literal('assay.alert.v1'),
  /** The same however often it is sent: receivers know by it what they have already. */
  id: z.string(),
  kind: z.enum(['opened', 'resolved', 'test']),
  code: z.string(),
  severity: z.enum(['warning', 'failed']),
  sentence: z.string(),
  at: z.string(),
  total: z.int(),
  /** The gravest first; at most 20 of `total`. */
  causes: z.array(Cause),
});
export type AlertMessage = z.infer<typeof AlertMessage>;

const MOST_CAUSES = 20;

export function messageOf(
  kind: 'opened' | 'resolved',
  code: string,
  causes: readonly Cause[],
  { id, at }: { readonly id: string; readonly at: string },
): AlertMessage {
  const ranked = causes.toSorted((a, b) => rank(b) - rank(a) || b.hosts - a.hosts);
  const [first] = ranked;
  const others = causes.length - 1;
  const sentence = `${kind === 'resolved' ? 'Resolved: ' : ''}${first?.sentence ?? code}`;
  return {
    schema: 'assay.alert.v1',
    id,
    kind,
    code,
    severity: first?.severity ?? 'warning',
    sentence: others === 0 ? sentence : `${sentence.replace(/\.$/, '')} (and ${others} more of ${code}).`,
    at,
    total: causes.length,
    causes: ranked.slice(0, MOST_CAUSES),
  };
}

/** To see whether a sink works. */
export function testMessage(id: string, at: string): AlertMessage {
  const sentence = 'This is a test: alerts of this verifier arrive here.';
  return {
    schema: 'assay.alert.v1',
    id,
    kind: 'test',
    code: 'TEST',
    severity: 'warning',
    sentence,
    at,
    total: 0,
    causes: [],
  };
}

function rank({ severity }: Cause): number {
  return severity === 'failed' ? 1 : 0;
}
