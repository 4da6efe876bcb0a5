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
] as const satisfies readonly {
  readonly to: string;
  readonly title: string;
  readonly icon: IconName;
  readonly key: string;
  readonly group: 'Watch' | 'Decide' | 'Run';
  readonly asks: string;
}[];

export type PageRow = (typeof PAGES)[number];
