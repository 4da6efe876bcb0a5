import type { IconName } from '../parts/icon.tsx';

/** The pages in the order of the menu, in groups; `key` follows `g`. A new page adds its row here. */
export const PAGES = [
  {
    to: '/',
    title: 'Fleet',
    icon: 'fleet',
    key: 'f',
    group: 'Watch',
    asks: 'Is anything wrong, and is the watch alive?',
  },
  {
    to: '/hosts',
    title: 'Hosts',
    icon: 'hosts',
    key: 'h',
    group: 'Watch',
    asks: 'Which hosts, and how do they stand?',
  },
  {
    to: '/findings',
    title: 'Findings',
    icon: 'flag',
    key: 'i',
    group: 'Watch',
    asks: 'What needs somebody, and why?',
  },
  {
    to: '/measurements',
    title: 'Measurements',
    icon: 'list',
    key: 'm',
    group: 'Watch',
    asks: 'What runs in the fleet, and what is rare?',
  },
  {
    to: '/digests',
    title: 'Digests',
    icon: 'search',
    key: 'd',
    group: 'Watch',
    asks: 'Who ever ran this?',
  },
  {
    to: '/policies',
    title: 'Policies',
    icon: 'book',
    key: 'p',
    group: 'Decide',
    asks: 'What is allowed, and who said so?',
  },
  {
    to: '/ima-policy',
    title: 'IMA policy',
    icon: 'stamp',
    key: 'k',
    group: 'Decide',
    asks: 'What would a kernel say of these rules?',
  },
  {
    to: '/enrol',
    title: 'Enrol',
    icon: 'plus',
    key: 'e',
    group: 'Run',
    asks: 'How do hosts come in, and who waits?',
  },
  {
    to: '/alerts',
    title: 'Alerts',
    icon: 'bell',
    key: 'a',
    group: 'Run',
    asks: 'Who was told of what?',
  },
  {
    to: '/audit',
    title: 'Audit',
    icon: 'scroll',
    key: 'u',
    group: 'Run',
    asks: 'Who did what?',
  },
  {
    to: '/health',
    title: 'Health',
    icon: 'pulse',
    key: 'w',
    group: 'Run',
    asks: 'Is the watch itself well?',
  },
] as const satisfies readonly {
  readonly to: string;
  readonly title: string;
  readonly icon: IconName;
  readonly key: string;
  readonly group: 'Watch' | 'Decide' | 'Run';
  readonly asks: string;
}[];

export type PageRow = (typeof PAGES)[number];
