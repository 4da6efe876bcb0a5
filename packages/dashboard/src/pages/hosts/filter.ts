import type { HostLine } from '@assay/wire';
import { hostsWanted } from '@assay/wire/host-filter';
import type { HostsSearch } from './search.ts';

/** The hosts that the address asks for; `except` leaves one filter out, to count what it would let through. */
export function matching(
  hosts: readonly HostLine[],
  search: HostsSearch,
  now: number,
  except?: 'verdict' | 'label',
): readonly HostLine[] {
  return hostsWanted(hosts, except === undefined ? search : { ...search, [except]: undefined }, now);
}
