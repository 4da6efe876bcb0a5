import type { ListSource, TpmKind, Verdict } from '@assay/wire';
import { choicesParam, secondsParam, textParam } from '../../state/search-params.ts';
import { VERDICTS_BY_URGENCY } from '../../text/verdict.ts';

/** The state of the page of hosts, as it stands in its address. */
export interface HostsSearch {
  readonly q?: string | undefined;
  readonly verdict?: readonly Verdict[] | undefined;
  readonly tpm?: readonly TpmKind[] | undefined;
  readonly list?: readonly ListSource[] | undefined;
  /** Name of a policy; `captured` and `none` for hosts that have no policy. */
  readonly policy?: string | undefined;
  /** Code of an open finding. */
  readonly code?: string | undefined;
  /** `name=value` */
  readonly label?: string | undefined;
  /** Seconds since the newest evidence: more than the one, no more than the other. */
  readonly minAge?: number | undefined;
  readonly maxAge?: number | undefined;
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
