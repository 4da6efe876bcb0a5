import { choiceParam, textParam } from '../../state/search-params.ts';

/** The state of the page of alerts, as it stands in its address. */
export interface AlertsSearch {
  /** Default open. */
  readonly state?: 'open' | 'all' | undefined;
  readonly sort?: string | undefined;
}

export function alertsSearch(raw: Record<string, unknown>): AlertsSearch {
  return { state: choiceParam(raw, 'state', ['open', 'all'] as const), sort: textParam(raw, 'sort') };
}
