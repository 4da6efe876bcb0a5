import { z } from 'zod';
import type { RoundRow } from './schema.ts';

/** Most challenges of one host that wait for their answer; the oldest give way. */
const OUTSTANDING_LIMIT = 8;

/** Challenges that were issued before there was a choice asked for PCR 0 to 10. */
const OpenChallenge = z.tuple([z.string(), z.string(), z.string(), z.int().default(10)]);
const OpenChallenges = z.array(OpenChallenge);

/** A question that a host was asked and has not answered yet. */
export interface OpenChallenge {
  readonly session: string;
  /** Hexadecimal. */
  readonly nonce: string;
  readonly expiresAt: string;
  /** It asked for PCR 0 to this one. */
  readonly lastPcr: number;
}

export function withChallenge<Row extends Pick<RoundRow, 'challenges'>>(row: Row, challenge: OpenChallenge): Row {
  const { session, nonce, expiresAt, lastPcr } = challenge;
  const open = [...openChallenges(row), [session, nonce, expiresAt, lastPcr]].slice(-OUTSTANDING_LIMIT);
  return { ...row, challenges: JSON.stringify(open) };
}

/**
 * Takes the challenge out of the row, so that it is answered once.
 * @returns undefined when this host has no such challenge, or it has expired
 */
export function takeChallenge<Row extends Pick<RoundRow, 'challenges'>>(
  row: Row,
  session: string,
  now: string,
): { row: Row; challenge: OpenChallenge } | undefined {
  const open = openChallenges(row);
  const taken = open.find(([name]) => name === session);
  if (taken === undefined || taken[2] <= now) return undefined;
  const rest = open.filter((challenge) => challenge !== taken && challenge[2] > now);
  return {
    row: { ...row, challenges: JSON.stringify(rest) },
    challenge: { session, nonce: taken[1], expiresAt: taken[2], lastPcr: taken[3] },
  };
}

function openChallenges(row: Pick<RoundRow, 'challenges'>): z.infer<typeof OpenChallenges> {
  return row.challenges === '[]' ? [] : OpenChallenges.parse(JSON.parse(row.challenges));
}
