import { choiceParam } from '../../state/search-params.ts';

export const HOST_TABS = ['overview'] as const;

/** The state of the page of a host, as it stands in its address. */
export interface HostSearch {
  readonly tab?: (typeof HOST_TABS)[number] | undefined;
}

export function hostSearch(raw: Record<string, unknown>): HostSearch {
  return { tab: choiceParam(raw, 'tab', HOST_TABS) };
}
