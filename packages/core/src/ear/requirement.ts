import type { ParsedResult } from './read.ts';
import { isClaimName, isTier, tierOf, worstTier, type ClaimName, type Tier } from './vector.ts';

/** What a service demands of a host before it serves it. */
export type Requirement =
  | { readonly text: string; readonly subject: 'status'; readonly submod: string | undefined; readonly tier: Tier }
  | {
      readonly text: string;
      readonly subject: 'claim';
      readonly submod: string | undefined;
      readonly claim: ClaimName;
      readonly bound: { readonly tier: Tier } | { readonly most: number };
    };

/** Nothing is said against the host, and what it ran is known to be good. */
export const DEFAULT_REQUIREMENTS: readonly string[] = ['status=affirming', 'executables=affirming'];

const FORM = /^(?:([A-Za-z0-9_.:-]{1,100})\/)?([a-z-]{1,32})(=|<=)([a-z]{1,20}|\d{1,3})$/;

/**
 * Reads `[SUBMOD/]status=TIER`, `[SUBMOD/]CLAIM=TIER` or `[SUBMOD/]CLAIM<=VALUE`.
 * @returns undefined when the text is of no such form
 */
export function parseRequirement(text: string): Requirement | undefined {
  const [, submod, subject = '', operator, bound = ''] = FORM.exec(text) ?? [];
  if (operator === undefined) return undefined;
  if (operator === '=') {
    if (!isTier(bound)) return undefined;
    if (subject === 'status') return { text, subject: 'status', submod, tier: bound };
    return isClaimName(subject)
      ? { text, subject: 'claim', submod, claim: subject, bound: { tier: bound } }
      : undefined;
  }
  const most = Number(bound);
  if (!isClaimName(subject) || !Number.isInteger(most) || most < 2 || most > 127) return undefined;
  return { text, subject: 'claim', submod, claim: subject, bound: { most } };
}

/**
 * The requirements that a result does not meet, each with what it says instead. A claim that is not made meets none: the
 * values 0, 1 and -1 say nothing, however small they are.
 */
export function unmetRequirements(
  result: Pick<ParsedResult, 'status' | 'appraisals'>,
  requirements: readonly Requirement[],
): readonly { readonly requirement: string; readonly found: string }[] {
  return requirements.flatMap((requirement) => {
    const found = requirement.subject === 'status' ? statusOf(result, requirement) : claimOf(result, requirement);
    return found === undefined ? [] : [{ requirement: requirement.text, found }];
  });
}

type StatusRequirement = Extract<Requirement, { subject: 'status' }>;
type ClaimRequirement = Extract<Requirement, { subject: 'claim' }>;
type Result = Pick<ParsedResult, 'status' | 'appraisals'>;

/** @returns what is found instead; undefined where the requirement is met */
function statusOf(result: Result, { submod, tier }: StatusRequirement): string | undefined {
  const status = submod === undefined ? result.status : result.appraisals.get(submod)?.status;
  if (status === undefined) return `there is no ${submod}`;
  return status === tier ? undefined : status;
}

function claimOf(result: Result, { submod, claim, bound }: ClaimRequirement): string | undefined {
  const values = Array.from(result.appraisals)
    .filter(([label]) => submod === undefined || label === submod)
    .flatMap(([, { vector }]) => vector[claim] ?? []);
  if (values.length === 0) return 'not claimed';
  const meets = (value: number): boolean =>
    'tier' in bound ? tierOf(value) === bound.tier : value >= 2 && value <= bound.most;
  return values.every(meets) ? undefined : `${values.join(', ')} (${worstTier(values.map(tierOf))})`;
}
