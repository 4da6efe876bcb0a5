import { choiceParam, numberParam } from '../../state/search-params.ts';

export const BOOTS = ['present', 'all'] as const;

/** The state of the page of a policy, as it stands in its address. */
export interface PolicySearch {
  /** Default the newest. */
  readonly version?: number | undefined;
  /** The version that it is compared with; default the one in force, else the one before. */
  readonly from?: number | undefined;
  /** What it is tried on; default the present boots. */
  readonly boots?: (typeof BOOTS)[number] | undefined;
}

export function policySearch(raw: Record<string, unknown>): PolicySearch {
  return {
    version: numberParam(raw, 'version'),
    from: numberParam(raw, 'from'),
    boots: choiceParam(raw, 'boots', BOOTS),
  };
}
