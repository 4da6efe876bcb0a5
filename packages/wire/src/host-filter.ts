import type { HostLine } from './fleet.ts';
import type { ListSource, TpmKind, Verdict } from './hosts.ts';

/** Which hosts somebody wants to see; what is not given lets all through. */
export interface HostFilter {
  /** Part of a name, kernel or label, or the start of an id; in any case of letters. */
  readonly q?: string | undefined;
  readonly verdict?: readonly Verdict[] | undefined;
  readonly tpm?: readonly TpmKind[] | undefined;
  readonly list?: readonly ListSource[] | undefined;
  /** Name of a policy; `captured` and `none` for hosts that have no policy. */
  readonly policy?: string | undefined;
  /** Code of the gravest open finding. */
  readonly code?: string | undefined;
  /** `name=value` */
  readonly label?: string | undefined;
  /** Seconds since the newest evidence, which are more than this. A host without evidence has no age. */
  readonly minAge?: number | undefined;
  /** Seconds since the newest evidence, which are no more than this. */
  readonly maxAge?: number | undefined;
}

const among = <Choice>(chosen: readonly Choice[] | undefined, value: Choice): boolean =>
  chosen === undefined || chosen.includes(value);

const policyOf = ({ reference }: HostLine): string => (reference === null ? 'none' : (reference.policy ?? 'captured'));

/** Each label as it is written: `name=value`. */
export const labelWords = (labels: HostLine['labels']): string[] =>
  Object.entries(labels).map(([name, value]) => `${name}=${value}`);

function hasText(line: HostLine, text: string): boolean {
  return (
    line.name.toLowerCase().includes(text) ||
    line.id.startsWith(text) ||
    line.kernel.toLowerCase().includes(text) ||
    labelWords(line.labels).some((label) => label.toLowerCase().includes(text))
  );
}

function isOfAge({ evidenceAt }: HostLine, { minAge, maxAge }: HostFilter, now: number): boolean {
  if (minAge === undefined && maxAge === undefined) return true;
  if (evidenceAt === null) return false;
  const age = (now - Date.parse(evidenceAt)) / 1000;
  return (minAge === undefined || age > minAge) && (maxAge === undefined || age <= maxAge);
}

/** @param now milliseconds on the verifier's clock, from which ages are counted */
export function hostsWanted(hosts: readonly HostLine[], wanted: HostFilter, now: number): readonly HostLine[] {
  const text = wanted.q?.trim().toLowerCase() ?? '';
  return hosts.filter(
    (line) =>
      among(wanted.verdict, line.verdict) &&
      among(wanted.tpm, line.tpm.kind) &&
      among(wanted.list, line.source) &&
      (wanted.policy === undefined || policyOf(line) === wanted.policy) &&
      (wanted.code === undefined || line.findings.code === wanted.code) &&
      (wanted.label === undefined || labelWords(line.labels).includes(wanted.label)) &&
      isOfAge(line, wanted, now) &&
      (text === '' || hasText(line, text)),
  );
}
