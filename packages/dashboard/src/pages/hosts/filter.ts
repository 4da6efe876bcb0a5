import type { HostLine } from '@assay/wire';
import { labelWords } from '../../text/host.ts';
import type { HostsSearch } from './search.ts';

const among = <Choice>(chosen: readonly Choice[] | undefined, value: Choice): boolean =>
  chosen === undefined || chosen.includes(value);

const policyOf = ({ reference }: HostLine): string => (reference === null ? 'none' : (reference.policy ?? 'captured'));

/** Text is looked for in what a person reads of a host: its name, its id, its kernel. */
function hasText(line: HostLine, text: string): boolean {
  return (
    line.name.toLowerCase().includes(text) ||
    line.id.startsWith(text) ||
    line.kernel.toLowerCase().includes(text) ||
    labelWords(line.labels).some((label) => label.toLowerCase().includes(text))
  );
}

/** The hosts that the address asks for; `except` leaves one filter out, to count what it would let through. */
export function matching(
  hosts: readonly HostLine[],
  search: HostsSearch,
  except?: 'verdict' | 'label',
): readonly HostLine[] {
  const text = search.q?.trim().toLowerCase() ?? '';
  const verdicts = except === 'verdict' ? undefined : search.verdict;
  const label = except === 'label' ? undefined : search.label;
  return hosts.filter(
    (line) =>
      among(verdicts, line.verdict) &&
      among(search.tpm, line.tpm.kind) &&
      among(search.list, line.source) &&
      (search.policy === undefined || policyOf(line) === search.policy) &&
      (search.code === undefined || line.findings.code === search.code) &&
      (label === undefined || labelWords(line.labels).includes(label)) &&
      (text === '' || hasText(line, text)),
  );
}
