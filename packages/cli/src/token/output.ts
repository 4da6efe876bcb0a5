import { tierOf, type ParsedResult, type Tier } from '@assay/core/ear';
import { colours, shown, table } from '../output/terminal.ts';

/** A result as a member of a document; times are RFC 3339. */
export function documentOf(result: ParsedResult): object {
  return {
    profile: result.profile,
    status: result.status,
    issuedAt: timeOf(result.issuedAt),
    expiresAt: result.expiresAt === undefined ? null : timeOf(result.expiresAt),
    verifier: result.verifier,
    nonces: result.nonces,
    host: result.host,
    submods: Object.fromEntries(
      Array.from(result.appraisals, ([label, { status, vector, policyIds }]) => [
        label,
        { status, vector, policyIds: policyIds ?? [] },
      ]),
    ),
  };
}

/** The lines that say what a result says; texts of others are escaped. */
export function textOf(result: ParsedResult): string {
  const { issuedAt, expiresAt, verifier, host } = result;
  const rows = Array.from(result.appraisals).flatMap(([label, { status, vector, policyIds }]) => [
    [`  ${shown(label)}`, painted(status), (policyIds ?? []).map(shown).join(', ')],
    ...Object.entries(vector).map(([claim, value]) => [`    ${claim}`, painted(tierOf(value)), String(value)]),
  ]);
  const name = host['name'];
  return [
    typeof name === 'string' ? `host ${shown(name)}\n` : '',
    `status ${painted(result.status)}\n`,
    table(rows),
    `by ${shown(verifier.developer)} (${shown(verifier.build)})\n`,
    `from ${timeOf(issuedAt)} ${expiresAt === undefined ? 'without an end' : `until ${timeOf(expiresAt)}`}\n`,
  ].join('');
}

/** Beyond the year 275760 there are no dates. */
const LAST_SECOND = 8.64e12;

function timeOf(seconds: number): string {
  return seconds <= LAST_SECOND ? new Date(seconds * 1000).toISOString() : `${seconds} s`;
}

function painted(tier: Tier): string {
  const colour = colours(1);
  if (tier === 'affirming') return colour.green(tier);
  if (tier === 'warning') return colour.yellow(tier);
  return tier === 'contraindicated' ? colour.red(tier) : colour.dim(tier);
}
