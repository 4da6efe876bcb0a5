import { numberWords } from '../../text/numbers.ts';
import type { Column } from './column.ts';

/** On how many hosts it is. */
export const HOSTS_COLUMN: Column<{ readonly hosts: number }> = {
  id: 'hosts',
  title: 'Hosts',
  track: '4rem',
  cell: ({ hosts }) => <span className="digits font-semibold">{numberWords(hosts)}</span>,
  compare: (a, b) => a.hosts - b.hosts,
  from: 27,
  end: true,
};
