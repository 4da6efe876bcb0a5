import { choiceParam, textParam } from '../../state/search-params.ts';

export const HOST_TABS = ['overview', 'timeline', 'measurements', 'boot', 'policy', 'identity', 'evidence'] as const;
export type HostTab = (typeof HOST_TABS)[number];

/** The state of the page of a host, as it stands in its address. */
export interface HostSearch {
  /** Default overview. */
  readonly tab?: HostTab | undefined;
  /** The time that the timeline is looked at, RFC 3339. */
  readonly at?: string | undefined;
}

export function hostSearch(raw: Record<string, unknown>): HostSearch {
  const at = textParam(raw, 'at');
  const isTime = at !== undefined && !Number.isNaN(Date.parse(at));
  return { tab: choiceParam(raw, 'tab', HOST_TABS), at: isTime ? at : undefined };
}
