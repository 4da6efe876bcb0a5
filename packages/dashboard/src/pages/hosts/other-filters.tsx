import { Icon } from '../../parts/icon.tsx';
import { LIST_WORDS, TPM_WORDS } from '../../text/host.ts';
import { secondsWords } from '../../text/time.ts';
import type { HostsSearch } from './search.ts';

interface Filter {
  readonly words: string;
  /** What of the address goes when the filter does. */
  readonly without: Partial<HostsSearch>;
}

const POLICY_WORDS: Readonly<Record<string, string>> = {
  captured: 'Compared with values captured there',
  none: 'Nothing to be compared with',
};

function ageWords({ minAge, maxAge }: HostsSearch): string {
  const over = minAge === undefined ? '' : ` over ${secondsWords(minAge)}`;
  const most = maxAge === undefined ? '' : ` up to ${secondsWords(maxAge)}`;
  return `Evidence${over}${over && most && ','}${most} old`;
}

/** What links to this page ask for, and no other control of it shows. */
function filtersIn(search: HostsSearch): readonly Filter[] {
  const { policy, code, tpm, list, minAge, maxAge } = search;
  const filters: Filter[] = [];
  if (policy !== undefined)
    filters.push({ words: POLICY_WORDS[policy] ?? `Policy ${policy}`, without: { policy: undefined } });
  if (code !== undefined) filters.push({ words: `Finding ${code}`, without: { code: undefined } });
  if (tpm !== undefined)
    filters.push({ words: tpm.map((kind) => TPM_WORDS[kind].title).join(' or '), without: { tpm: undefined } });
  if (list !== undefined)
    filters.push({ words: list.map((source) => LIST_WORDS[source].title).join(' or '), without: { list: undefined } });
  if (minAge !== undefined || maxAge !== undefined)
    filters.push({ words: ageWords(search), without: { minAge: undefined, maxAge: undefined } });
  return filters;
}

interface Props {
  readonly search: HostsSearch;
  readonly onChange: (change: Partial<HostsSearch>) => void;
}

/** Each with a button that takes it away: a table that is short without a visible reason misleads. */
export function OtherFilters({ search, onChange }: Props) {
  return filtersIn(search).map(({ words, without }) => (
    <button
      key={words}
      type="button"
      title="Show hosts of every kind again"
      onClick={() => onChange(without)}
      className="flex max-w-full items-center gap-1.5 rounded-full border border-line-strong bg-surface px-2.5 py-1 text-xs font-medium"
    >
      <bdi className="min-w-0 truncate">{words}</bdi>
      <Icon name="cross" className="size-3.5 stroke-[2.6]" />
      <span className="sr-only">, take this filter away</span>
    </button>
  ));
}
