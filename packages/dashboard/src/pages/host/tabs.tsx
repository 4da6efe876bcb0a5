import { Link } from '@tanstack/react-router';
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

/** Links to the parts of the page; which one is shown stands in the address. */
export function Tabs({ host, tab }: { host: string; tab: HostTab }) {
  return (
    <nav aria-label="Parts of this page" className="mt-6 mb-5 overflow-x-auto border-b border-line">
      <ul className="flex gap-1">
        {HOST_TABS.map((name) => (
          <li key={name}>
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
