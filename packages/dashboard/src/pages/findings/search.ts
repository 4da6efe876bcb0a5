import { choiceParam, choicesParam, textParam } from '../../state/search-params.ts';

export const FINDING_STATES = ['open', 'closed'] as const;
export const SEVERITIES = ['failed', 'warning'] as const;
export const NOTICES = ['new', 'known'] as const;

/** The state of the page of findings, as it stands in its address. */
export interface FindingsSearch {
  readonly q?: string | undefined;
  /** Default open. */
  readonly state?: (typeof FINDING_STATES)[number] | undefined;
  readonly severity?: readonly (typeof SEVERITIES)[number][] | undefined;
  /** `known`: somebody acknowledged all of them. */
  readonly notice?: readonly (typeof NOTICES)[number][] | undefined;
  readonly code?: string | undefined;
  readonly host?: string | undefined;
  readonly sort?: string | undefined;
}

export function findingsSearch(raw: Record<string, unknown>): FindingsSearch {
  return {
    q: textParam(raw, 'q'),
    state: choiceParam(raw, 'state', FINDING_STATES),
    severity: choicesParam(raw, 'severity', SEVERITIES),
    notice: choicesParam(raw, 'notice', NOTICES),
    code: textParam(raw, 'code'),
    host: textParam(raw, 'host'),
    sort: textParam(raw, 'sort'),
  };
}
