import type { HostFilter } from '@assay/wire/host-filter';
import { choicesParam, secondsParam, textParam } from '../../state/search-params.ts';
import { VERDICTS_BY_URGENCY } from '../../text/verdict.ts';

/** The state of the page of hosts, as it stands in its address. */
export interface HostsSearch extends HostFilter {
  readonly sort?: string | undefined;
}

export function hostsSearch(raw: Record<string, unknown>): HostsSearch {
  return {
    q: textParam(raw, 'q'),
    verdict: choicesParam(raw, 'verdict', VERDICTS_BY_URGENCY),
    tpm: choicesParam(raw, 'tpm', ['hardware', 'software', 'simulated'] as const),
    list: choicesParam(raw, 'list', ['kernel', 'engine', 'simulated'] as const),
    policy: textParam(raw, 'policy'),
    code: textParam(raw, 'code'),
    label: textParam(raw, 'label'),
    minAge: secondsParam(raw, 'minAge'),
    maxAge: secondsParam(raw, 'maxAge'),
    sort: textParam(raw, 'sort'),
  };
}
