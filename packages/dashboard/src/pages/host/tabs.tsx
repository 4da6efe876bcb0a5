import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { HOST_TABS, type HostTab } from './search.ts';

const TITLES: Readonly<Record<HostTab, string>> = {
  overview: 'Overview',
  timeline: 'Timeline',
  measurements: 'Measurements',
  boot: 'Boot',
  policy: 'Policy',
  identity: 'Identity',
  evidence: 'Raw evidence',
};

/** Where the tabs are wider than the window, that of the part which is shown is in its middle. The page stays where it is. */
function showTab(tabs: HTMLElement, tab: HostTab): void {
  const current = tabs.querySelector(`[data-tab=${tab}]`)?.getBoundingClientRect();
  if (current === undefined) return;
  const { left, right } = tabs.getBoundingClientRect();
  tabs.scrollLeft += (current.left + current.right - left - right) / 2;
}

/** Links to the parts of the page; which one is shown stands in the address. */
export function Tabs({ host, tab }: { host: string; tab: HostTab }) {
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    if (tabs.current !== null) showTab(tabs.current, tab);
  }, [tab]);
  return (
    <nav ref={tabs} aria-label="Parts of this page" className="mt-6 mb-5 scroll-shadows border-b border-line">
      <ul className="flex gap-1">
        {HOST_TABS.map((name) => (
          <li key={name} data-tab={name}>
            <Link
              to="/hosts/$host"
              params={{ host }}
              search={name === 'overview' ? {} : { tab: name }}
              resetScroll={false}
              aria-current={name === tab ? 'page' : undefined}
              className={`block border-b-2 px-3 py-2 text-sm whitespace-nowrap ${name === tab ? 'border-ink font-semibold' : 'border-transparent text-muted hover:text-ink'}`}
            >
              {TITLES[name]}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
