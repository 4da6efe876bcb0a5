import type { HostSummary } from '@assay/wire';
import type { MouseEvent } from 'react';
import { useNow } from '../state/now.ts';
import { hostAddress, selectHost } from '../state/selected-host.ts';
import { VERDICT_TONES } from '../text/tone.ts';
import { shownVerdict, VERDICT_WORDS } from '../text/verdict.ts';
import { Icon } from './icon.tsx';
import { VERDICT_ICONS } from './icons.ts';

function HostLink({ host, current }: { host: HostSummary; current: boolean }) {
  const { verdict } = shownVerdict(host, useNow());
  const choose = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    selectHost(host.name);
  };
  return (
    <a
      href={hostAddress(host.name)}
      onClick={choose}
      aria-current={current ? 'page' : undefined}
      data-tone={VERDICT_TONES[verdict]}
      className={`flex max-w-full items-center gap-2 rounded-full border py-1.5 ps-2 pe-3.5 text-sm transition-colors ${current ? 'border-tone-solid bg-tone-soft' : 'border-line bg-surface hover:border-line-strong'}`}
    >
      <Icon name={VERDICT_ICONS[verdict]} className="size-4.5 stroke-[2.6] text-tone" />
      <bdi className="min-w-0 truncate font-medium">{host.name}</bdi>
      <span className="text-xs font-medium text-tone">{VERDICT_WORDS[verdict]}</span>
    </a>
  );
}

/** One line of hosts with their verdicts to choose from; with one host there is nothing to choose. */
export function HostStrip({ hosts, selected }: { hosts: readonly HostSummary[]; selected: string }) {
  if (hosts.length < 2) return null;
  return (
    <nav aria-label="Hosts" className="mb-5">
      <ul className="-m-1 flex max-h-44 flex-wrap gap-2 overflow-y-auto p-1">
        {hosts.map((host) => (
          <li key={host.id} className="max-w-full">
            <HostLink host={host} current={host.name === selected} />
          </li>
        ))}
      </ul>
    </nav>
  );
}
