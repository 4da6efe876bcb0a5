import type { IdCondition, Rule } from '../rule.ts';

/**
 * Functions whose buffers only a rule that names them matches (ima_match_rules); since 7.3 POLICY_CHECK has such buffers
 * besides files.
 */
const NAMED_ONLY: ReadonlySet<string | undefined> = new Set([
  'KEY_CHECK',
  'CRITICAL_DATA',
  'SETXATTR_CHECK',
  'POLICY_CHECK',
]);

/**
 * Whether the earlier rule matches all that the later one matches, so that the later one never decides. It says no where
 * that is not certain, as with labels and user ids that are compared with other ids of the process.
 */
export function covers(earlier: Rule, later: Rule): boolean {
  return (
    coversFunction(earlier, later) &&
    coversMask(earlier, later) &&
    equalIfGiven(earlier.fsmagic, later.fsmagic) &&
    equalIfGiven(earlier.fsname, later.fsname) &&
    equalIfGiven(earlier.fsSubtype, later.fsSubtype) &&
    equalIfGiven(earlier.fsuuid, later.fsuuid) &&
    coversList(earlier.keyrings, later.keyrings) &&
    coversList(earlier.criticalDataLabels, later.criticalDataLabels) &&
    [...earlier.ids].every(([slot, id]) => coversId(id, later.ids.get(slot))) &&
    [...earlier.labels].every(([field, { text, active }]) => active && later.labels.get(field)?.text === text)
  );
}

function coversFunction(earlier: Rule, later: Rule): boolean {
  if (earlier.func !== undefined) return earlier.func === later.func;
  return !NAMED_ONLY.has(later.func);
}

function coversMask({ mask: earlier }: Rule, { mask: later }: Rule): boolean {
  if (earlier === undefined) return true;
  return earlier.name === later?.name && (earlier.any || !later.any);
}

function equalIfGiven<T>(earlier: T | undefined, later: T | undefined): boolean {
  return earlier === undefined || earlier === later;
}

function coversList(earlier: readonly string[] | undefined, later: readonly string[] | undefined): boolean {
  return earlier === undefined || (later !== undefined && later.every((name) => earlier.includes(name)));
}

function coversId(earlier: IdCondition, later: IdCondition | undefined): boolean {
  if (later === undefined || earlier.field !== later.field) return false;
  if (earlier.operator === '=') return later.operator === '=' && earlier.value === later.value;
  const strict = later.operator === earlier.operator ? 0 : later.operator === '=' ? 1 : undefined;
  if (strict === undefined) return false;
  const sign = earlier.operator === '>' ? 1 : -1;
  return sign * (later.value - earlier.value) >= strict;
}
