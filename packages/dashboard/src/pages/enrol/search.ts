import { choiceParam } from '../../state/search-params.ts';

/** The state of the page of enrolments, as it stands in its address. */
export interface EnrolSearch {
  /** Default those that wait. */
  readonly state?: 'pending' | 'all' | undefined;
}

export function enrolSearch(raw: Record<string, unknown>): EnrolSearch {
  return { state: choiceParam(raw, 'state', ['pending', 'all'] as const) };
}
